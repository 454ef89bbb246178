-- Tracked movies that are too many for the Variable tracked_movies.

-- name: tracked_in_table
SELECT imdb_id FROM core.tracked ORDER BY tracked_since, imdb_id

-- name: track_in_table
INSERT INTO core.tracked (imdb_id, origin, file_name)
SELECT imdb_id, %(origin)s, %(file_name)s FROM unnest(%(imdb_ids)s::text[]) AS i (imdb_id)
ON CONFLICT DO NOTHING

-- name: untrack_in_table
DELETE FROM core.tracked WHERE imdb_id = ANY(%(imdb_ids)s)

-- name: movie_labels
SELECT imdb_id, coalesce(original_title, title) || coalesce(' (' || year || ')', '') AS label
FROM core.movies WHERE imdb_id = ANY(%(imdb_ids)s)
