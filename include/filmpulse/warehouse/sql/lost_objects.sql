SELECT object, source, imdb_id, manifest, collected_at, fault, sha256, reviews, found_at, settled_by,
    settled_at, known_reviews, known_revisions
FROM ops.lost_objects
WHERE source = %(source)s AND imdb_id = %(imdb_id)s
ORDER BY object
