-- Ten grades by five scores: agreement with grades is counted from these few rows (docs/adr/0027).
-- Movie by movie, since the planner cannot guess how many rows of all movies match.
CREATE MATERIALIZED VIEW mart.graded_scores AS
SELECT g.analyser_id, m.imdb_id, g.rating_1_10, g.overall, g.reviews
FROM core.movies m
CROSS JOIN LATERAL (
    SELECT a.analyser_id, r.rating_1_10, a.overall, count(*) AS reviews
    FROM mart.current_reviews r
    JOIN core.review_analyses a USING (imdb_id, source, review_id, content_hash)
    WHERE r.imdb_id = m.imdb_id AND r.rating_1_10 IS NOT NULL AND a.overall IS NOT NULL
    GROUP BY a.analyser_id, r.rating_1_10, a.overall
) g;
CREATE UNIQUE INDEX graded_scores_key
    ON mart.graded_scores (analyser_id, imdb_id, rating_1_10, overall);
COMMENT ON MATERIALIZED VIEW mart.graded_scores IS 'One row per analyser, movie, grade and overall score that occur together in current reviews, as of the end of the last job.';
COMMENT ON COLUMN mart.graded_scores.analyser_id IS 'Who read the reviews.';
COMMENT ON COLUMN mart.graded_scores.overall IS 'The analyser''s score of the whole review.';
COMMENT ON COLUMN mart.graded_scores.reviews IS 'Current reviews with both.';
