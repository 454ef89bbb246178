-- A movie has no row in core.movies before its page was read: such a one is known by what was asked.
CREATE VIEW mart.asked_movies AS
SELECT imdb_id FROM core.movies
UNION
SELECT imdb_id FROM ops.movie_checks
UNION
SELECT imdb_id FROM ops.collections WHERE loaded_at IS NULL AND mode <> 'import';
COMMENT ON VIEW mart.asked_movies IS 'One row per movie that is known, or that a source was asked for.';
