SELECT imdb_id FROM core.movies WHERE imdb_id = ANY(%(imdb_ids)s)
