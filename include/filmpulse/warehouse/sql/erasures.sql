SELECT kind, source, key, erased_at FROM ops.erasures ORDER BY kind, source, key
