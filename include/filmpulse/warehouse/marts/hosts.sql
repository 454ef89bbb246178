CREATE VIEW mart.hosts AS
SELECT host, paused_until, strikes, reason, coalesce(paused_until > now(), false) AS is_paused
FROM ops.host_state
UNION ALL
SELECT 'no host was asked yet', NULL, 0, NULL, false WHERE NOT EXISTS (SELECT FROM ops.host_state);
COMMENT ON VIEW mart.hosts IS 'One row per host: whether it has asked for quiet.';
COMMENT ON COLUMN mart.hosts.paused_until IS 'The host asked for quiet until then (UTC).';
COMMENT ON COLUMN mart.hosts.strikes IS 'Refusals in a row; each doubles the pause.';
COMMENT ON COLUMN mart.hosts.reason IS 'Why it is paused.';
COMMENT ON COLUMN mart.hosts.is_paused IS 'Whether it is paused now.';
