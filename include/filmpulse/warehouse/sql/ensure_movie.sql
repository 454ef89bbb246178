INSERT INTO core.movies (imdb_id, title, facts_as_of)
VALUES (%(imdb_id)s, %(imdb_id)s, '0001-01-01 00:00+00')
ON CONFLICT (imdb_id) DO NOTHING
