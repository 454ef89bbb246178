-- 15 minutes at the first strike, doubled with each more, a day at most; never shorter than the
-- site's own Retry-After. The pause is counted among those of its hour.
WITH counted AS (
    INSERT INTO ops.host_hours AS o (host, hour, pauses)
    VALUES (%(host)s, date_trunc('hour', clock_timestamp(), 'UTC'), 1)
    ON CONFLICT (host, hour) DO UPDATE SET pauses = o.pauses + 1
)
INSERT INTO ops.host_state AS h (host, paused_until, strikes, reason)
VALUES (%(host)s, clock_timestamp() + make_interval(secs => greatest(%(retry_after)s, 900)), 1, %(reason)s)
ON CONFLICT (host) DO UPDATE SET
    strikes = h.strikes + 1, reason = excluded.reason,
    paused_until = clock_timestamp() + make_interval(
        secs => greatest(%(retry_after)s, least(86400, 900 * 2 ^ least(h.strikes, 10))))
RETURNING paused_until
