-- The bar under which a mean is shown grey and never ranked (docs/adr/0011): 30 scored reviews and
-- 20 % coverage. It stands here once, for every mart.
CREATE FUNCTION mart.is_enough(n bigint, coverage numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(n >= 30 AND coverage >= 0.20, false);
COMMENT ON FUNCTION mart.is_enough IS 'Whether a figure rests on enough to be compared.';

-- Half the width of a 95 % interval of a mean, by the normal approximation; null below two values.
CREATE FUNCTION mart.half_interval(sd double precision, n bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN n >= 2 THEN 1.96 * sd / sqrt(n::double precision) END;
COMMENT ON FUNCTION mart.half_interval IS 'Half the width of a 95 % interval of a mean.';

-- One end of that interval (side -1 or 1), within the scale of scores.
CREATE FUNCTION mart.interval_end(mean numeric, side integer, sd numeric, n bigint)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN n >= 2 THEN
        least(2, greatest(-2, mean + side * mart.half_interval(sd::double precision, n))) END;
COMMENT ON FUNCTION mart.interval_end IS 'One end of a 95 % interval of a mean score, -2 to 2.';

CREATE VIEW mart.reviews AS
SELECT r.source, r.review_id, r.imdb_id, r.title, r.body, r.rating_1_10, r.submitted_on,
       r.is_spoiler, r.helpful_up, r.helpful_down, r.language, r.first_seen_at,
       r.content_hash,
       a.status AS analysis_status, a.overall, m.active_analyser_id AS analyser_id
FROM core.reviews r
JOIN core.movies m USING (imdb_id)
LEFT JOIN core.review_analyses a
       ON (a.source, a.review_id, a.content_hash, a.analyser_id)
        = (r.source, r.review_id, r.content_hash, m.active_analyser_id)
WHERE r.removed_at IS NULL;
COMMENT ON VIEW mart.reviews IS 'Living reviews with the overall score of the movie''s active analyser.';

CREATE VIEW mart.aspect_scores AS
SELECT r.source, r.review_id, r.imdb_id, r.submitted_on, r.is_spoiler, r.rating_1_10, r.overall,
       r.analyser_id, s.aspect, s.score, s.quote, s.quote_start
FROM mart.reviews r
JOIN core.aspect_scores s USING (source, review_id, content_hash, analyser_id);
COMMENT ON VIEW mart.aspect_scores IS 'One row per aspect that a living review mentions.';

CREATE VIEW mart.movies AS
WITH living AS (
    SELECT imdb_id,
           count(*) AS reviews,
           count(*) FILTER (WHERE rating_1_10 IS NULL) AS unrated_reviews,
           avg(rating_1_10)::double precision AS mean_stars,
           count(*) FILTER (WHERE analysis_status IS NOT NULL) AS analysed_reviews,
           count(overall) AS scored_reviews,
           avg(overall)::double precision AS mean_overall,
           mart.half_interval(stddev_samp(overall)::double precision, count(overall))
               AS half_interval,
           mart.interval_end(avg(overall), -1, stddev_samp(overall), count(overall)) AS overall_low,
           mart.interval_end(avg(overall), +1, stddev_samp(overall), count(overall)) AS overall_high,
           min(submitted_on) AS first_review_on,
           max(submitted_on) AS last_review_on
    FROM mart.reviews
    GROUP BY imdb_id
), counted AS (
    SELECT m.imdb_id, coalesce(m.original_title, m.title) AS title, m.year, m.release_date,
           m.runtime_minutes, m.genres, m.directors, m.cast_names, m.plot, m.poster_url,
           s.rating AS site_rating, s.vote_count AS site_votes,
           s.review_count AS site_reviews, s.taken_at AS site_as_of,
           coalesce(l.reviews, 0) AS reviews, coalesce(l.unrated_reviews, 0) AS unrated_reviews,
           l.mean_stars, coalesce(l.analysed_reviews, 0) AS analysed_reviews,
           coalesce(l.scored_reviews, 0) AS scored_reviews, l.mean_overall,
           l.half_interval, l.overall_low, l.overall_high,
           l.first_review_on, l.last_review_on,
           round(coalesce(l.reviews, 0)::numeric / nullif(s.review_count, 0), 4) AS coverage,
           a.analyser_id, a.kind AS analyser_kind, a.model AS analyser_model,
           a.prompt_version AS analyser_version
    FROM core.movies m
    LEFT JOIN living l USING (imdb_id)
    LEFT JOIN core.analysers a ON a.analyser_id = m.active_analyser_id
    LEFT JOIN LATERAL (
        SELECT * FROM core.movie_snapshots s
        WHERE s.imdb_id = m.imdb_id AND s.review_count IS NOT NULL
        ORDER BY s.taken_at DESC LIMIT 1
    ) s ON true
)
SELECT c.*,
       mart.is_enough(c.scored_reviews, c.coverage) AS is_enough,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at
FROM counted c
LEFT JOIN LATERAL (
    SELECT * FROM ops.collections o
    WHERE o.imdb_id = c.imdb_id AND o.finished_at IS NOT NULL
    ORDER BY o.finished_at DESC LIMIT 1
) o ON true;
COMMENT ON VIEW mart.movies IS 'One row per movie: the site''s figures, ours, coverage, and how the last collection ended.';

CREATE VIEW mart.movie_aspects AS
SELECT m.imdb_id, m.title, a.aspect,
       m.scored_reviews,
       count(s.score) AS mentions,
       count(s.score)::double precision / nullif(m.scored_reviews, 0) AS share_mentioned,
       avg(s.score)::double precision AS mean_score,
       mart.interval_end(avg(s.score), -1, stddev_samp(s.score), count(s.score)) AS score_low,
       mart.interval_end(avg(s.score), +1, stddev_samp(s.score), count(s.score)) AS score_high,
       count(s.score) FILTER (WHERE s.score > 0) AS praised,
       count(s.score) FILTER (WHERE s.score < 0) AS faulted,
       mart.is_enough(count(s.score), m.coverage) AS is_enough
FROM mart.movies m
CROSS JOIN (VALUES (1, 'storytelling'), (2, 'acting'), (3, 'visuals'), (4, 'sound'), (5, 'themes'))
    AS a (position, aspect)
LEFT JOIN mart.aspect_scores s ON s.imdb_id = m.imdb_id AND s.aspect = a.aspect
GROUP BY m.imdb_id, m.title, m.scored_reviews, m.coverage, a.position, a.aspect
ORDER BY m.imdb_id, a.position;
COMMENT ON VIEW mart.movie_aspects IS 'How each aspect of each movie is received; n is mentions.';

CREATE VIEW mart.movie_months AS
SELECT r.imdb_id, date_trunc('month', r.submitted_on)::date AS month,
       count(*) AS reviews,
       count(r.overall) AS scored_reviews,
       avg(r.overall)::double precision AS mean_overall,
       mart.half_interval(stddev_samp(r.overall)::double precision, count(r.overall)) AS half_interval,
       avg(r.rating_1_10)::double precision AS mean_stars
FROM mart.reviews r
WHERE r.submitted_on IS NOT NULL
GROUP BY r.imdb_id, date_trunc('month', r.submitted_on);
COMMENT ON VIEW mart.movie_months IS 'Reception by the month in which reviews were submitted.';

CREATE VIEW mart.movie_snapshots AS
SELECT imdb_id, taken_at, rating AS site_rating, vote_count AS site_votes,
       review_count AS site_reviews
FROM core.movie_snapshots;
COMMENT ON VIEW mart.movie_snapshots IS 'The site''s own figures over time.';

CREATE VIEW mart.collections AS
SELECT c.collection_id, c.run_id, c.source, c.imdb_id, coalesce(m.original_title, m.title) AS title,
       c.mode, c.status, c.reason, c.sentence, c.started_at, c.finished_at,
       c.review_count_end AS site_reviews, c.distinct_ids, c.variant, c.loaded_at, c.inserted_rows,
       c.revised_rows, c.updated_rows, c.removed_rows
FROM ops.collections c
LEFT JOIN core.movies m USING (imdb_id);
COMMENT ON VIEW mart.collections IS 'Every collection: how it ended and why.';
