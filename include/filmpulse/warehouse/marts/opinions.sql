-- Movie by movie, since the planner cannot guess how many rows of all movies match. The coverage is
-- passed on from inside, so that it is counted once, before the opinions, and not for each of them.
CREATE VIEW mart.opinions AS
SELECT o.source, o.review_id, c.imdb_id, c.movie, o.submitted_on, o.language,
       mart.language_name(o.language) AS language_name, o.is_spoiler, o.rating_1_10,
       m.active_analyser_id AS analyser_id, o.coverage, o.position, o.aspect, o.score,
       mart.score_label(o.score) AS score_label, o.quote
FROM mart.movie_counts c
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT r.source, r.review_id, r.submitted_on, r.language, r.is_spoiler, r.rating_1_10,
           c.coverage, 0 AS position, 'Overall' AS aspect, a.overall AS score,
           a.overall_quote AS quote
    FROM mart.current_reviews r
    JOIN core.review_analyses a USING (source, review_id, content_hash)
    WHERE r.imdb_id = c.imdb_id
      AND (a.imdb_id, a.analyser_id) = (c.imdb_id, m.active_analyser_id) AND a.overall IS NOT NULL
    UNION ALL
    SELECT r.source, r.review_id, r.submitted_on, r.language, r.is_spoiler, r.rating_1_10,
           c.coverage,
           array_position(mart.aspects(), a.aspect),
           initcap(a.aspect), a.score, a.quote
    FROM mart.current_reviews r
    JOIN core.aspect_scores a USING (source, review_id, content_hash)
    WHERE r.imdb_id = c.imdb_id
      AND (a.imdb_id, a.analyser_id) = (c.imdb_id, m.active_analyser_id)
) o;
COMMENT ON VIEW mart.opinions IS 'One row per opinion of a current, scored review: one on the whole, and one on each aspect that it mentions.';
COMMENT ON COLUMN mart.opinions.coverage IS 'Coverage of the movie: with the count it says whether a mean is enough to be compared.';
