CREATE VIEW mart.recent_weeks AS
SELECT imdb_id, starts_on, reviews
FROM core.week_counts
WHERE starts_on >= date_trunc('week', now() AT TIME ZONE 'UTC')::date - 175;
COMMENT ON VIEW mart.recent_weeks IS 'One row per movie and week of the last 26, this one included, in which it got reviews.';
COMMENT ON COLUMN mart.recent_weeks.starts_on IS 'The Monday of the week.';
COMMENT ON COLUMN mart.recent_weeks.reviews IS 'Current reviews submitted in it.';
