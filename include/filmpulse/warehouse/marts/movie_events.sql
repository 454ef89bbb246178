CREATE VIEW mart.movie_events AS
SELECT n.imdb_id, n.movie, e.happened_on, e.label
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT m.release_date AS happened_on, 'Release' AS label FROM core.movies m
    WHERE m.imdb_id = n.imdb_id AND m.release_date IS NOT NULL
    UNION
    SELECT e.happened_on, e.label FROM core.movie_events e WHERE e.imdb_id = n.imdb_id
) e;
COMMENT ON VIEW mart.movie_events IS 'One row per day in the movie''s life: its release, and what people noted.';
