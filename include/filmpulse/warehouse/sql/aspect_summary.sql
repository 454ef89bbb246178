SELECT * FROM mart.movie_aspects WHERE imdb_id = %(imdb_id)s
