-- Movies that were never looked at have no row of their own anywhere: the detector counts them.
CREATE VIEW mart.look_plan AS
SELECT l.source, c.position, c.cadence, c.meaning, count(*) AS movies,
       count(*) * 24.0::double precision / c.every_hours AS looks_a_day,
       count(*) FILTER (WHERE l.overdue_hours > 1) AS overdue_movies,
       max(l.overdue_hours) AS overdue_hours
FROM mart.movie_looks l
JOIN mart.cadences c USING (reason)
WHERE l.is_tracked
GROUP BY l.source, c.position, c.cadence, c.every_hours, c.meaning
UNION ALL
SELECT d.source, 0, 'first look', 'It was tracked lately, and waits for its first look.', d.unseen, NULL, d.unseen, NULL
FROM ops.detections d
WHERE d.unseen > 0 AND d.started_at = (SELECT max(started_at) FROM ops.detections)
UNION ALL
SELECT 'none', 0, 'first look', 'No movie was looked at yet: does detect_new_reviews run?', 0, NULL, 0, NULL
WHERE NOT EXISTS (SELECT FROM ops.movie_checks) AND NOT EXISTS (SELECT FROM ops.detections WHERE unseen > 0);
COMMENT ON VIEW mart.look_plan IS 'One row per source and reason: how many tracked movies are looked at how often.';
COMMENT ON COLUMN mart.look_plan.source IS 'A site or a stream.';
COMMENT ON COLUMN mart.look_plan.position IS 'The order of the reasons; 0 for movies that wait for their first look.';
COMMENT ON COLUMN mart.look_plan.cadence IS 'hourly, every six hours, daily, weekly, or first look.';
COMMENT ON COLUMN mart.look_plan.meaning IS 'The reason for a person.';
COMMENT ON COLUMN mart.look_plan.movies IS 'Tracked movies.';
COMMENT ON COLUMN mart.look_plan.looks_a_day IS 'Looks that they take in a day if none is late; null for first looks.';
COMMENT ON COLUMN mart.look_plan.overdue_movies IS 'Of these, how many have been due for more than an hour.';
COMMENT ON COLUMN mart.look_plan.overdue_hours IS 'Hours by which the latest of them is overdue; null if that is not known.';
