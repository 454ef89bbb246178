-- What is counted of a movie's reviews and scores (docs/adr/0046). `recount_reviews` and
-- `recount_scores` count one movie anew, from its rows alone, and touch only counts that differ; they
-- answer how many. `figures.rules` knows what they read.

-- name: lock_movie
SELECT pg_advisory_xact_lock(hashtextextended(%(imdb_id)s, 0))

-- name: recount_begin
-- The planner cannot guess how many rows of a movie match, and might look each of them up in turn. To
-- compile the statements takes longer than to run them.
SET LOCAL enable_nestloop = off;
SET LOCAL jit = off

-- name: recount_end
SET LOCAL enable_nestloop TO DEFAULT;
SET LOCAL jit TO DEFAULT

-- name: recount_reviews
WITH current AS MATERIALIZED (
    SELECT source, rating_1_10::integer AS stars, submitted_on
    FROM mart.current_reviews WHERE imdb_id = %(imdb_id)s
), sources AS (
    SELECT source, count(*) AS reviews, count(stars) AS graded_reviews,
           coalesce(sum(stars), 0) AS stars, coalesce(sum(stars * stars), 0) AS squared_stars,
           min(submitted_on) AS first_review_on, max(submitted_on) AS last_review_on
    FROM current GROUP BY source
), no_source AS (
    DELETE FROM core.source_counts c
    WHERE imdb_id = %(imdb_id)s AND source NOT IN (SELECT source FROM sources) RETURNING 1
), put_sources AS (
    INSERT INTO core.source_counts AS c SELECT %(imdb_id)s, * FROM sources
    ON CONFLICT (imdb_id, source) DO UPDATE SET
        reviews = excluded.reviews, graded_reviews = excluded.graded_reviews,
        stars = excluded.stars, squared_stars = excluded.squared_stars,
        first_review_on = excluded.first_review_on, last_review_on = excluded.last_review_on
    WHERE c IS DISTINCT FROM excluded RETURNING 1
), weeks AS (
    SELECT date_trunc('week', submitted_on::timestamp)::date AS starts_on, count(*) AS reviews
    FROM current WHERE submitted_on IS NOT NULL GROUP BY 1
), no_week AS (
    DELETE FROM core.week_counts
    WHERE imdb_id = %(imdb_id)s AND starts_on NOT IN (SELECT starts_on FROM weeks) RETURNING 1
), put_weeks AS (
    INSERT INTO core.week_counts AS c SELECT %(imdb_id)s, * FROM weeks
    ON CONFLICT (imdb_id, starts_on) DO UPDATE SET reviews = excluded.reviews
    WHERE c.reviews <> excluded.reviews RETURNING 1
), since_release AS (
    -- From two years after the release on, weeks are not shown.
    SELECT g.days, coalesce(r.reviews, 0) AS reviews,
           sum(coalesce(r.reviews, 0)) OVER so_far AS reviews_so_far,
           sum(coalesce(r.graded, 0)) OVER so_far AS graded_so_far,
           sum(coalesce(r.stars, 0)) OVER so_far AS stars_so_far
    FROM generate_series(-28, 728, 7) AS g (days)
    LEFT JOIN (
        SELECT greatest(-28, floor((c.submitted_on - m.release_date) / 7.0) * 7)::integer AS days,
               count(*) AS reviews, count(c.stars) AS graded, sum(c.stars) AS stars
        FROM core.movies m CROSS JOIN current c
        -- Without either day there is no week: `greatest` passes over a null.
        WHERE m.imdb_id = %(imdb_id)s AND c.submitted_on - m.release_date IS NOT NULL
        GROUP BY 1
    ) r USING (days)
    WINDOW so_far AS (ORDER BY g.days)
), release_weeks AS (
    SELECT * FROM since_release WHERE reviews_so_far > 0
), no_release_week AS (
    DELETE FROM core.release_week_counts
    WHERE imdb_id = %(imdb_id)s AND days_since_release NOT IN (SELECT days FROM release_weeks)
    RETURNING 1
), put_release_weeks AS (
    INSERT INTO core.release_week_counts AS c SELECT %(imdb_id)s, * FROM release_weeks
    ON CONFLICT (imdb_id, days_since_release) DO UPDATE SET
        reviews = excluded.reviews, reviews_so_far = excluded.reviews_so_far,
        graded_so_far = excluded.graded_so_far, stars_so_far = excluded.stars_so_far
    WHERE c IS DISTINCT FROM excluded RETURNING 1
)
SELECT count(*) FROM (
    TABLE no_source UNION ALL TABLE put_sources UNION ALL TABLE no_week UNION ALL TABLE put_weeks
    UNION ALL TABLE no_release_week UNION ALL TABLE put_release_weeks) changed

-- name: recount_scores
-- Opinions of all analysers, so that a switch to another one changes no count.
WITH current AS MATERIALIZED (
    SELECT source, review_id, content_hash, rating_1_10::integer AS stars
    FROM mart.current_reviews WHERE imdb_id = %(imdb_id)s
), readings AS MATERIALIZED (
    SELECT a.analyser_id, a.status, a.overall, r.stars, count(*) AS reviews
    FROM core.review_analyses a
    JOIN current r USING (source, review_id, content_hash)
    WHERE a.imdb_id = %(imdb_id)s
    GROUP BY a.analyser_id, a.status, a.overall, r.stars
), opinions AS (
    SELECT analyser_id, 0 AS position, overall AS score, stars, reviews
    FROM readings WHERE overall IS NOT NULL
    UNION ALL
    SELECT a.analyser_id, array_position(mart.aspects(), a.aspect), a.score, r.stars, count(*)
    FROM core.aspect_scores a
    JOIN current r USING (source, review_id, content_hash)
    WHERE a.imdb_id = %(imdb_id)s
    GROUP BY a.analyser_id, a.aspect, a.score, r.stars
), statuses AS (
    SELECT analyser_id, status, sum(reviews) AS reviews FROM readings GROUP BY analyser_id, status
), no_status AS (
    DELETE FROM core.status_counts
    WHERE imdb_id = %(imdb_id)s
      AND (analyser_id, status) NOT IN (SELECT analyser_id, status FROM statuses) RETURNING 1
), put_statuses AS (
    INSERT INTO core.status_counts AS c SELECT %(imdb_id)s, * FROM statuses
    ON CONFLICT (imdb_id, analyser_id, status) DO UPDATE SET reviews = excluded.reviews
    WHERE c.reviews <> excluded.reviews RETURNING 1
), scores AS (
    SELECT analyser_id, position, score, sum(reviews) AS reviews,
           coalesce(sum(reviews) FILTER (WHERE stars IS NOT NULL), 0) AS graded_reviews,
           coalesce(sum(reviews * stars), 0) AS stars,
           coalesce(sum(reviews * stars * stars), 0) AS squared_stars
    FROM opinions GROUP BY analyser_id, position, score
), no_score AS (
    DELETE FROM core.score_counts
    WHERE imdb_id = %(imdb_id)s
      AND (analyser_id, position, score) NOT IN (SELECT analyser_id, position, score FROM scores)
    RETURNING 1
), put_scores AS (
    INSERT INTO core.score_counts AS c SELECT %(imdb_id)s, * FROM scores
    ON CONFLICT (imdb_id, analyser_id, position, score) DO UPDATE SET
        reviews = excluded.reviews, graded_reviews = excluded.graded_reviews,
        stars = excluded.stars, squared_stars = excluded.squared_stars
    WHERE c IS DISTINCT FROM excluded RETURNING 1
), grades AS (
    SELECT analyser_id, stars, overall, sum(reviews) AS reviews
    FROM readings WHERE stars IS NOT NULL AND overall IS NOT NULL
    GROUP BY analyser_id, stars, overall
), no_grade AS (
    DELETE FROM core.grade_counts
    WHERE imdb_id = %(imdb_id)s
      AND (analyser_id, rating_1_10, overall) NOT IN (SELECT analyser_id, stars, overall FROM grades)
    RETURNING 1
), put_grades AS (
    INSERT INTO core.grade_counts AS c SELECT %(imdb_id)s, * FROM grades
    ON CONFLICT (imdb_id, analyser_id, rating_1_10, overall) DO UPDATE SET reviews = excluded.reviews
    WHERE c.reviews <> excluded.reviews RETURNING 1
)
SELECT count(*) FROM (
    TABLE no_status UNION ALL TABLE put_statuses UNION ALL TABLE no_score UNION ALL TABLE put_scores
    UNION ALL TABLE no_grade UNION ALL TABLE put_grades) changed

-- name: note_recount
-- Of a movie that was erased nothing stays.
WITH movie AS MATERIALIZED (SELECT imdb_id FROM core.movies WHERE imdb_id = %(imdb_id)s), gone AS (
    DELETE FROM ops.counted_movies WHERE imdb_id = %(imdb_id)s AND NOT EXISTS (TABLE movie)
)
INSERT INTO ops.counted_movies AS c SELECT imdb_id, %(rules)s, now() FROM movie
ON CONFLICT (imdb_id) DO UPDATE SET counted_by = excluded.counted_by, counted_at = excluded.counted_at
WHERE %(changed)s OR c.counted_by <> excluded.counted_by

-- name: movies_to_count
-- All movies, or those that other rules counted, or none did.
SELECT m.imdb_id
FROM core.movies m
LEFT JOIN ops.counted_movies c USING (imdb_id)
WHERE %(rules)s::text IS NULL OR c.counted_by IS DISTINCT FROM %(rules)s
ORDER BY m.imdb_id

-- name: analyse_counts
ANALYZE core.movies, core.source_counts, core.status_counts, core.score_counts, core.grade_counts,
    core.week_counts, core.release_week_counts, ops.counted_movies
