-- Let one worker at a time score a movie's texts; kept apart from the lock under which it is loaded.
SELECT pg_advisory_lock(hashtextextended('scoring ' || %(imdb_id)s, 0))
