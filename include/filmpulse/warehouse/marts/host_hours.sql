CREATE VIEW mart.host_hours AS
SELECT host, hour, requests, pauses FROM ops.host_hours
UNION ALL
SELECT 'no host was asked yet', date_trunc('hour', now()), 0, 0
WHERE NOT EXISTS (SELECT FROM ops.host_hours);
COMMENT ON VIEW mart.host_hours IS 'One row per host and hour: what was asked of it; before the first request, one row that says so.';
