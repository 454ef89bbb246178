-- How a movie is received, for the command line.

-- name: movie_summary
SELECT m.*, w.sentence AS awaited_sentence
FROM mart.movies m
LEFT JOIN mart.awaited_analysers w USING (imdb_id)
WHERE m.imdb_id = %(imdb_id)s

-- name: known_movie
-- What pages say of a movie, counted now.
SELECT coalesce(k.original_title, k.title) AS title, k.year, c.site_rating::double precision, c.site_votes,
       c.known_reviews, c.reviews
FROM core.movies k
JOIN mart.movie_counts c USING (imdb_id)
WHERE k.imdb_id = %(imdb_id)s AND (c.known_reviews > 0 OR c.site_rating IS NOT NULL)

-- name: movie_trend
SELECT trend, recent_n, earlier_n, since, difference, half_interval
FROM mart.movie_trends WHERE imdb_id = %(imdb_id)s

-- name: aspect_summary
-- Each aspect with the best quote that praises it and the best that faults it.
WITH quotes AS MATERIALIZED (
    SELECT lower(aspect) AS aspect, is_praise, quote FROM mart.best_quotes
    WHERE imdb_id = %(imdb_id)s AND place = 1
)
SELECT a.aspect, a.mentions, a.share_mentioned, a.mean_score, a.score_low, a.score_high, a.is_enough,
       (SELECT quote FROM quotes q WHERE q.aspect = a.aspect AND q.is_praise) AS praise,
       (SELECT quote FROM quotes q WHERE q.aspect = a.aspect AND NOT q.is_praise) AS fault
FROM mart.movie_aspects a
WHERE a.imdb_id = %(imdb_id)s
ORDER BY array_position(mart.aspects(), a.aspect)
