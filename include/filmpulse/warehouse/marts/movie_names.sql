-- Grouped by the key, so that Postgres knows that a movie has one name, and does not look for it where
-- nobody asks for it (a left join).
CREATE VIEW mart.movie_names AS
SELECT imdb_id, max(label) || CASE WHEN count(*) OVER (PARTITION BY max(label)) > 1
                                   THEN ' ' || imdb_id ELSE '' END AS movie
FROM (
    SELECT imdb_id, coalesce(original_title, title) || coalesce(' (' || year || ')', '') AS label
    FROM core.movies
) m
GROUP BY imdb_id;
COMMENT ON VIEW mart.movie_names IS 'One row per movie: what it is called wherever one is chosen.';
COMMENT ON COLUMN mart.movie_names.movie IS 'Title and year; with the id where two movies share both.';
