CREATE VIEW mart.compared_aspects AS
SELECT f.imdb_id, f.movie, r.reviews, f.position, f.aspect, f.scored_reviews,
       nullif(f.mentions, 0) AS mentions, f.share_mentioned, f.mean_score, f.half_interval,
       f.is_enough, f.praised, f.faulted, f.n_praised, f.n_faulted, f.grade_praised,
       f.grade_faulted, f.grade_difference, f.grade_difference_half_interval,
       f.is_enough_difference
FROM mart.aspect_figures f
JOIN mart.review_figures r USING (imdb_id)
WHERE r.counted_at IS NOT NULL;
COMMENT ON VIEW mart.compared_aspects IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it.';
COMMENT ON COLUMN mart.compared_aspects.mentions IS 'Reviews that mention the aspect: the n of mean_score; null for none.';
