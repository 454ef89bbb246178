-- How a movie is received, for the command line.

-- name: movie_summary
SELECT m.*, w.sentence AS awaited_sentence
FROM mart.movies m
LEFT JOIN mart.awaited_analysers w USING (imdb_id)
WHERE m.imdb_id = %(imdb_id)s

-- name: movie_trend
SELECT * FROM mart.movie_trends WHERE imdb_id = %(imdb_id)s

-- name: aspect_summary
SELECT * FROM mart.movie_aspects WHERE imdb_id = %(imdb_id)s

-- name: aspect_quotes
-- The best praise and the best fault of each aspect.
SELECT lower(aspect) AS aspect, is_praise, quote FROM mart.best_quotes
WHERE imdb_id = %(imdb_id)s AND place = 1
