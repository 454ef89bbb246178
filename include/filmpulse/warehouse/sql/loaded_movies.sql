SELECT DISTINCT source, imdb_id FROM ops.loads ORDER BY source, imdb_id
