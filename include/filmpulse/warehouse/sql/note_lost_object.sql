-- What is settled stays so.
INSERT INTO ops.lost_objects AS o (object, source, imdb_id, manifest, collected_at, fault, sha256, reviews, found_at, settled_by,
    settled_at, known_reviews, known_revisions)
VALUES (%(object)s, %(source)s, %(imdb_id)s, %(manifest)s, %(collected_at)s, %(fault)s, %(sha256)s,
    %(reviews)s, %(found_at)s, %(settled_by)s, %(settled_at)s, %(known_reviews)s,
    %(known_revisions)s)
ON CONFLICT (object) DO UPDATE SET
    settled_by = excluded.settled_by, settled_at = excluded.settled_at,
    known_reviews = excluded.known_reviews, known_revisions = excluded.known_revisions
WHERE o.settled_by IS NULL
