INSERT INTO ops.source_terms (host, clause) VALUES (%(host)s, %(clause)s)
ON CONFLICT (host) DO NOTHING RETURNING host
