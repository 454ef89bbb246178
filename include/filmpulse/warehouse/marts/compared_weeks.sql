-- Weeks count from each movie's own release, so that the first days of all movies lie together. Those to
-- come are counted already, and not shown.
CREATE VIEW mart.compared_weeks AS
SELECT m.imdb_id, c.movie, c.reviews AS movie_reviews, w.days_since_release::integer AS days_since_release,
       w.reviews, w.reviews_so_far, w.graded_so_far,
       w.stars_so_far::double precision / nullif(w.graded_so_far, 0) AS mean_stars_so_far,
       c.coverage
FROM core.movies m
JOIN mart.movie_counts c USING (imdb_id)
JOIN core.release_week_counts w USING (imdb_id)
WHERE w.days_since_release <= (now() AT TIME ZONE 'UTC')::date - m.release_date;
COMMENT ON VIEW mart.compared_weeks IS 'One row per movie and seven days, from four weeks before its release to two years after it.';
COMMENT ON COLUMN mart.compared_weeks.movie_reviews IS 'Current reviews of the movie.';
COMMENT ON COLUMN mart.compared_weeks.days_since_release IS 'Days from the release to the first of the seven; what came earlier than 28 days before it counts with those.';
COMMENT ON COLUMN mart.compared_weeks.reviews IS 'Current reviews submitted in those seven days.';
