-- Take the host's next slot, and count the request among those of its hour.
WITH counted AS (
    INSERT INTO ops.host_hours AS h (host, hour, requests)
    VALUES (%(host)s, date_trunc('hour', clock_timestamp(), 'UTC'), 1)
    ON CONFLICT (host, hour) DO UPDATE SET requests = h.requests + 1
)
UPDATE ops.host_state
SET next_request_at = clock_timestamp() + make_interval(secs => %(gap)s)
WHERE host = %(host)s
