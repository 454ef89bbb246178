SELECT paused_until, reason, extract(epoch FROM next_request_at - clock_timestamp())::float8 AS wait_s
FROM ops.host_state WHERE host = %(host)s
