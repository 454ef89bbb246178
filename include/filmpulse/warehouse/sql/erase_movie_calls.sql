-- What was paid for an erased movie is told of no movie.
UPDATE ops.llm_calls SET imdb_id = NULL
WHERE imdb_id = %(imdb_id)s AND started_at <= %(erased_at)s
