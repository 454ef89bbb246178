-- No fact of the catalogue is in it: its readers show no credit line.
CREATE MATERIALIZED VIEW mart.compared_movies AS
SELECT m.imdb_id, m.movie, m.year, m.release_date, m.reviews, m.known_reviews, m.coverage,
       m.reviews - m.unrated_reviews AS graded_reviews, m.mean_stars, m.stars_half_interval,
       m.scored_reviews, m.mean_overall, m.half_interval AS overall_half_interval,
       m.polarisation, m.is_enough, m.is_enough_stars, m.waiting_reviews, m.site_rating, m.first_review_on,
       m.last_review_on, now() AS as_of
FROM mart.movie_figures m;
CREATE UNIQUE INDEX compared_movies_key ON mart.compared_movies (imdb_id);
COMMENT ON MATERIALIZED VIEW mart.compared_movies IS 'One row per movie: its figures beside the others'', as of the end of the last job.';
COMMENT ON COLUMN mart.compared_movies.scored_reviews IS 'Reviews with an overall score: the n of mean_overall and of polarisation.';
COMMENT ON COLUMN mart.compared_movies.is_enough IS '30 scored reviews and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.compared_movies.as_of IS 'When these figures were counted (UTC).';
