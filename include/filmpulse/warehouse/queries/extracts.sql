-- What leaves the warehouse as data (`warehouse/extracts.py`). Of the marts alone, one movie at a time,
-- so that each statement reads that movie only. Words are read only when they are asked for.

-- name: extract_snapshot
-- All tables are as of one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: extract_movie_ids
SELECT imdb_id FROM mart.movie_names
WHERE %(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s)
ORDER BY imdb_id

-- name: extract_meanings
SELECT a.attname AS name, d.description AS meaning
FROM pg_attribute a
JOIN pg_description d ON (d.objoid, d.objsubid) = (a.attrelid, a.attnum)
WHERE d.classoid = 'pg_class'::regclass AND a.attrelid = to_regclass('mart.' || %(mart)s)

-- name: extract_reviews
SELECT imdb_id, source, review_id, submitted_on, days_since_release, rating_1_10, overall,
       analysis_status, language, is_spoiler, helpful_up, helpful_down, first_seen_at,
       CASE WHEN %(with_text)s THEN title END AS title,
       CASE WHEN %(with_text)s THEN body END AS body,
       CASE WHEN %(with_text)s THEN overall_quote END AS overall_quote
FROM mart.reviews
WHERE imdb_id = %(imdb_id)s
ORDER BY submitted_on, source, review_id

-- name: extract_aspects
SELECT imdb_id, source, review_id, submitted_on, aspect, score, overall, rating_1_10, language,
       is_spoiler, CASE WHEN %(with_text)s THEN quote END AS quote,
       CASE WHEN %(with_text)s THEN quote_start END AS quote_start
FROM mart.aspect_scores
WHERE imdb_id = %(imdb_id)s
ORDER BY submitted_on, source, review_id, array_position(mart.aspects(), aspect)

-- name: extract_series
SELECT imdb_id, grain, starts_on, days_since_release, reviews, graded_reviews, mean_stars,
       stars_half_interval, scored_reviews, mean_overall, overall_half_interval,
       reviews_so_far::bigint, graded_so_far::bigint, mean_stars_so_far
FROM mart.movie_series
WHERE imdb_id = %(imdb_id)s
ORDER BY grain, starts_on

-- name: extract_movies
-- An export may be public: `mart.movie_figures` holds no fact of the catalogue.
SELECT imdb_id, title, year, release_date, reviews, known_reviews, coverage::double precision,
       array_to_string(sources, ' ') AS sources, unrated_reviews, mean_stars, stars_half_interval,
       is_enough_stars, analyser, analyser_version, analysed_reviews, waiting_reviews,
       scored_reviews, mean_overall, overall_low, overall_high, is_enough, polarisation,
       first_review_on, last_review_on, site, site_rating::double precision, site_votes, site_reviews, site_as_of,
       collection_status, collected_at
FROM mart.movie_figures
WHERE imdb_id = %(imdb_id)s
