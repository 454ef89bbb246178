SELECT imdb_id, checked_at, outcome, reason, sentence, review_count, mode
FROM ops.movie_checks
WHERE imdb_id = ANY(%(imdb_ids)s) AND checked_at >= %(since)s
ORDER BY imdb_id
