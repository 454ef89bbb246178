-- The one gate for every request to a host.

-- name: gate_ensure
INSERT INTO ops.host_state (host) VALUES (%(host)s) ON CONFLICT (host) DO NOTHING

-- name: gate_take
-- Take the host's next slot, and count the request among those of its hour.
WITH counted AS (
    INSERT INTO ops.host_hours AS h (host, hour, requests)
    VALUES (%(host)s, date_trunc('hour', clock_timestamp(), 'UTC'), 1)
    ON CONFLICT (host, hour) DO UPDATE SET requests = h.requests + 1
)
UPDATE ops.host_state
SET next_request_at = clock_timestamp() + make_interval(secs => %(gap)s), gap_seconds = %(gap)s
WHERE host = %(host)s

-- name: gate_pause
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

-- name: gate_clear
UPDATE ops.host_state SET strikes = 0, paused_until = NULL, reason = NULL
WHERE host = %(host)s AND strikes > 0

-- name: gate_read
SELECT paused_until, reason, extract(epoch FROM next_request_at - clock_timestamp())::float8 AS wait_s
FROM ops.host_state WHERE host = %(host)s
