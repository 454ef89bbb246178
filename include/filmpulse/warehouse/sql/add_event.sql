INSERT INTO core.movie_events (imdb_id, happened_on, label)
VALUES (%(imdb_id)s, %(happened_on)s, %(label)s)
ON CONFLICT DO NOTHING RETURNING label
