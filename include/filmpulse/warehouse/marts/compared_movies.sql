-- No fact of the catalogue is in it: its readers show no credit line.
CREATE VIEW mart.compared_movies AS
SELECT m.imdb_id, c.movie, m.year, m.release_date, f.reviews, c.known_reviews, c.coverage,
       f.graded_reviews, f.mean_stars, f.stars_half_interval, f.scored_reviews, f.mean_overall,
       mart.half_interval(f.sd_overall, f.scored_reviews) AS overall_half_interval,
       f.polarisation, mart.is_enough(f.scored_reviews, c.coverage) AS is_enough,
       mart.is_enough(f.graded_reviews, c.coverage) AS is_enough_stars, f.waiting_reviews,
       c.site_rating, f.first_review_on, f.last_review_on, f.counted_at
FROM core.movies m
JOIN mart.review_figures f USING (imdb_id)
JOIN mart.movie_counts c USING (imdb_id)
WHERE f.counted_at IS NOT NULL;
COMMENT ON VIEW mart.compared_movies IS 'One row per movie: its figures beside the others''.';
COMMENT ON COLUMN mart.compared_movies.scored_reviews IS 'Reviews with an overall score: the n of mean_overall and of polarisation.';
COMMENT ON COLUMN mart.compared_movies.is_enough IS '30 scored reviews and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.compared_movies.counted_at IS 'When the counts of its reviews and scores last changed (UTC).';
