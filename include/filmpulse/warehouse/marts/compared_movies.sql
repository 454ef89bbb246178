CREATE MATERIALIZED VIEW mart.compared_movies AS
SELECT m.imdb_id, m.movie, m.year, m.release_date, m.reviews, m.known_reviews, m.coverage,
       m.reviews - m.unrated_reviews AS graded_reviews, m.mean_stars, m.stars_half_interval,
       m.scored_reviews, m.mean_overall, m.half_interval AS overall_half_interval,
       m.polarisation, m.is_enough, m.is_enough_stars, m.waiting_reviews, m.site_rating, m.first_review_on,
       m.last_review_on, now() AS as_of
FROM mart.movies m;
CREATE UNIQUE INDEX compared_movies_key ON mart.compared_movies (imdb_id);
COMMENT ON MATERIALIZED VIEW mart.compared_movies IS 'One row per movie: its figures beside the others'', as of the end of the last job.';
COMMENT ON COLUMN mart.compared_movies.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.compared_movies.movie IS 'Title and year.';
COMMENT ON COLUMN mart.compared_movies.year IS 'Year of release.';
COMMENT ON COLUMN mart.compared_movies.release_date IS 'Day of release in the reader''s country.';
COMMENT ON COLUMN mart.compared_movies.reviews IS 'Current reviews that we hold, of all sources.';
COMMENT ON COLUMN mart.compared_movies.known_reviews IS 'Reviews that we know to exist; null when unknown.';
COMMENT ON COLUMN mart.compared_movies.coverage IS 'reviews over known_reviews.';
COMMENT ON COLUMN mart.compared_movies.graded_reviews IS 'Reviews with stars: the n of mean_stars.';
COMMENT ON COLUMN mart.compared_movies.mean_stars IS 'Mean of the stars, 1 to 10.';
COMMENT ON COLUMN mart.compared_movies.stars_half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.compared_movies.scored_reviews IS 'Reviews with an overall score: the n of mean_overall and of polarisation.';
COMMENT ON COLUMN mart.compared_movies.mean_overall IS 'Mean overall score, -2 to 2.';
COMMENT ON COLUMN mart.compared_movies.overall_half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.compared_movies.polarisation IS '0 all agree, 1 half say -2 and half say 2.';
COMMENT ON COLUMN mart.compared_movies.is_enough IS '30 scored reviews and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.compared_movies.is_enough_stars IS '30 reviews with stars and 20 % coverage: below, the mean of the stars is grey and never ranked.';
COMMENT ON COLUMN mart.compared_movies.waiting_reviews IS 'Reviews that the active analyser has not finished with.';
COMMENT ON COLUMN mart.compared_movies.site_rating IS 'The site''s own mean rating, 1 to 10.';
COMMENT ON COLUMN mart.compared_movies.first_review_on IS 'Day of the earliest review.';
COMMENT ON COLUMN mart.compared_movies.last_review_on IS 'Day of the latest review.';
COMMENT ON COLUMN mart.compared_movies.as_of IS 'When these figures were counted (UTC).';
