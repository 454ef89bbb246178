-- Run where core was lost and ops was not: what the detector last knew to be tracked. A movie that the
-- Variable holds too counts once. Who added a movie, and when, is lost.
INSERT INTO core.tracked (imdb_id, origin)
SELECT DISTINCT imdb_id, 'command' FROM ops.movie_checks WHERE is_tracked;
