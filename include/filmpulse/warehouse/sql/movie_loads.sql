SELECT manifest_uri, collected_at FROM ops.loads
WHERE imdb_id = %(imdb_id)s AND source = %(source)s
ORDER BY collected_at, manifest_uri
