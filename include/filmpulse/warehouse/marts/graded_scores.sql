-- Ten grades by five scores: agreement with grades is counted from these few rows.
CREATE VIEW mart.graded_scores AS
SELECT analyser_id, imdb_id, rating_1_10, overall, reviews FROM core.grade_counts;
COMMENT ON VIEW mart.graded_scores IS 'One row per analyser, movie, grade and overall score that occur together in current reviews.';
COMMENT ON COLUMN mart.graded_scores.analyser_id IS 'Who read the reviews.';
COMMENT ON COLUMN mart.graded_scores.overall IS 'The analyser''s score of the whole review.';
COMMENT ON COLUMN mart.graded_scores.reviews IS 'Current reviews with both.';
