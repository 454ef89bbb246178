DELETE FROM core.movie_events
WHERE (imdb_id, happened_on, label) = (%(imdb_id)s, %(happened_on)s, %(label)s) RETURNING label
