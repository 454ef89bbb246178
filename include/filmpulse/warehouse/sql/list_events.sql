SELECT e.imdb_id, n.movie, e.happened_on, e.label
FROM core.movie_events e
JOIN mart.movie_names n USING (imdb_id)
WHERE %(imdb_id)s::text IS NULL OR e.imdb_id = %(imdb_id)s
ORDER BY n.movie, e.imdb_id, e.happened_on, e.label
