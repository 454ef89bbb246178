SELECT * FROM mart.movie_trends WHERE imdb_id = %(imdb_id)s
