CREATE VIEW mart.removed_reviews AS
SELECT r.source, r.review_id, r.imdb_id, n.movie, r.removed_at, r.submitted_on, r.rating_1_10
FROM core.reviews r
JOIN mart.movie_names n USING (imdb_id)
WHERE r.removed_at IS NOT NULL;
COMMENT ON VIEW mart.removed_reviews IS 'One row per review that its source no longer shows.';
COMMENT ON COLUMN mart.removed_reviews.removed_at IS 'Start of the complete full collection that missed it (UTC).';
