INSERT INTO ops.erasures AS e (kind, source, key, erased_at)
VALUES (%(kind)s, %(source)s, %(key)s, %(erased_at)s)
ON CONFLICT (kind, source, key) DO UPDATE SET erased_at = excluded.erased_at
WHERE e.erased_at < excluded.erased_at
