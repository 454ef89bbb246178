-- Objects that are there again.
DELETE FROM ops.lost_objects
WHERE source = %(source)s AND imdb_id = %(imdb_id)s AND settled_by IS NULL
