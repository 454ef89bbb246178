CREATE VIEW mart.movie_looks AS
SELECT l.imdb_id, coalesce(n.movie, l.imdb_id) AS movie, l.source, l.is_tracked, l.reason, l.cadence, c.meaning,
       l.pace, l.looked_at, l.due_at,
       greatest(extract(epoch FROM now() - l.due_at)::double precision / 3600, 0) AS overdue_hours,
       l.lateness
FROM mart.looks(now()) l
JOIN mart.cadences c USING (reason)
LEFT JOIN mart.movie_names n USING (imdb_id);
COMMENT ON VIEW mart.movie_looks IS 'One row per movie and source that was ever looked at: when it is looked at next, and why so often.';
COMMENT ON COLUMN mart.movie_looks.movie IS 'Title and year of the movie; its id before its page was read.';
COMMENT ON COLUMN mart.movie_looks.source IS 'A site or a stream.';
COMMENT ON COLUMN mart.movie_looks.is_tracked IS 'Whether the movie was tracked, and the source live, when the detector last began.';
COMMENT ON COLUMN mart.movie_looks.reason IS 'Why it is looked at so often, in a word; mart.cadences has all.';
COMMENT ON COLUMN mart.movie_looks.cadence IS 'hourly, every six hours, daily or weekly.';
COMMENT ON COLUMN mart.movie_looks.meaning IS 'The reason for a person.';
COMMENT ON COLUMN mart.movie_looks.pace IS 'By how many reviews a day the site''s count changed of late; null before two counts are known.';
COMMENT ON COLUMN mart.movie_looks.due_at IS 'When it is looked at next (UTC), if what is due fits; the run of the hour in which this lies takes it up.';
COMMENT ON COLUMN mart.movie_looks.overdue_hours IS 'Hours since then; 0 before.';
COMMENT ON COLUMN mart.movie_looks.lateness IS 'The same in intervals of its cadence, negative before it is due; who has most comes first.';
