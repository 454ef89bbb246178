INSERT INTO ops.host_state (host) VALUES (%(host)s) ON CONFLICT (host) DO NOTHING
