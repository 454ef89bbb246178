-- Let one worker at a time score a movie's texts; kept apart from the lock under which it is loaded. Who
-- has waited for `patience` gives up (55P03); for this statement alone.
SELECT pg_advisory_lock(hashtextextended('scoring ' || %(imdb_id)s, 0))
FROM set_config('lock_timeout', %(patience)s, true)
