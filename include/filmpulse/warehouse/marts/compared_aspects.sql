CREATE MATERIALIZED VIEW mart.compared_aspects AS
SELECT m.imdb_id, m.movie, m.reviews, f.position, f.aspect, f.scored_reviews,
       nullif(f.mentions, 0) AS mentions, f.share_mentioned, f.mean_score, f.half_interval,
       f.is_enough, f.praised, f.faulted, f.n_praised, f.n_faulted, f.grade_praised,
       f.grade_faulted, f.grade_difference, f.grade_difference_half_interval,
       f.is_enough_difference
FROM mart.compared_movies m
JOIN mart.aspect_figures f USING (imdb_id);
CREATE UNIQUE INDEX compared_aspects_key ON mart.compared_aspects (imdb_id, position);
COMMENT ON MATERIALIZED VIEW mart.compared_aspects IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it, as of the end of the last job.';
COMMENT ON COLUMN mart.compared_aspects.mentions IS 'Reviews that mention the aspect: the n of mean_score; null for none.';
