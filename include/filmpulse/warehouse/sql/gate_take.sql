UPDATE ops.host_state
SET next_request_at = clock_timestamp() + make_interval(secs => %(gap)s)
WHERE host = %(host)s
