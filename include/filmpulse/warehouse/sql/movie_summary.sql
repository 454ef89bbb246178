SELECT * FROM mart.movies WHERE imdb_id = %(imdb_id)s
