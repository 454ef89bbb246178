-- What one source's reviews of one movie are measured by.
SELECT kind, source, key, erased_at FROM ops.erasures
WHERE (kind <> 'movie' AND source = %(source)s) OR (kind = 'movie' AND key = %(imdb_id)s)
