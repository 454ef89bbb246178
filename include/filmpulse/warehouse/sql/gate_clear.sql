UPDATE ops.host_state SET strikes = 0, paused_until = NULL, reason = NULL
WHERE host = %(host)s AND strikes > 0
