SELECT review_id, content_hash, language, removed_at IS NULL AS is_living
FROM core.reviews WHERE imdb_id = %(imdb_id)s AND source = %(source)s
