-- Weeks count from each movie's own release, so that the first days of all movies lie together.
CREATE MATERIALIZED VIEW mart.compared_weeks AS
SELECT m.imdb_id, m.movie, m.reviews AS movie_reviews, w.days AS days_since_release, w.reviews,
       w.reviews_so_far, w.graded_so_far,
       w.stars_so_far::double precision / nullif(w.graded_so_far, 0) AS mean_stars_so_far,
       m.coverage
FROM mart.compared_movies m
CROSS JOIN LATERAL (
    SELECT g.days, count(r.imdb_id) AS reviews,
           sum(count(r.imdb_id)) OVER so_far AS reviews_so_far,
           sum(count(r.rating_1_10)) OVER so_far AS graded_so_far,
           sum(sum(r.rating_1_10)) OVER so_far AS stars_so_far
    FROM generate_series(-28, least(728, m.as_of::date - m.release_date), 7) AS g (days)
    LEFT JOIN mart.current_reviews r
           ON r.imdb_id = m.imdb_id
              AND greatest(-28, floor((r.submitted_on - m.release_date) / 7.0) * 7) = g.days
    GROUP BY g.days
    WINDOW so_far AS (ORDER BY g.days)
) w
WHERE w.reviews_so_far > 0;
CREATE UNIQUE INDEX compared_weeks_key ON mart.compared_weeks (imdb_id, days_since_release);
COMMENT ON MATERIALIZED VIEW mart.compared_weeks IS 'One row per movie and seven days, from four weeks before its release to two years after it, as of the end of the last job.';
COMMENT ON COLUMN mart.compared_weeks.movie_reviews IS 'Current reviews of the movie.';
COMMENT ON COLUMN mart.compared_weeks.days_since_release IS 'Days from the release to the first of the seven; what came earlier than 28 days before it counts with those.';
COMMENT ON COLUMN mart.compared_weeks.reviews IS 'Current reviews submitted in those seven days.';
