CREATE MATERIALIZED VIEW mart.recent_weeks AS
SELECT m.imdb_id, w.starts_on, w.reviews
FROM mart.compared_movies m
CROSS JOIN LATERAL (
    SELECT date_trunc('week', r.submitted_on)::date AS starts_on, count(*) AS reviews
    FROM mart.current_reviews r
    WHERE r.imdb_id = m.imdb_id
      AND r.submitted_on >= date_trunc('week', m.as_of AT TIME ZONE 'UTC')::date - 175
    GROUP BY 1
) w;
CREATE UNIQUE INDEX recent_weeks_key ON mart.recent_weeks (imdb_id, starts_on);
COMMENT ON MATERIALIZED VIEW mart.recent_weeks IS 'One row per movie and week of the last 26, this one included, in which it got reviews, as of the end of the last job.';
COMMENT ON COLUMN mart.recent_weeks.starts_on IS 'The Monday of the week.';
COMMENT ON COLUMN mart.recent_weeks.reviews IS 'Current reviews submitted in it.';
