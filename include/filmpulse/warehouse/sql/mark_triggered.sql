UPDATE ops.movie_checks SET triggered_run = %(run_id)s WHERE imdb_id = ANY(%(imdb_ids)s)
