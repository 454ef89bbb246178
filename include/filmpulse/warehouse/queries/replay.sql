-- Loading all collections of a movie again, in the order in which they were begun.

-- name: replay_begin
-- Until the transaction ends, these tables come before those of core, which statements name bare.
CREATE TEMP TABLE reviews (LIKE core.reviews INCLUDING DEFAULTS INCLUDING INDEXES) ON COMMIT DROP;
CREATE TEMP TABLE review_revisions (LIKE core.review_revisions INCLUDING INDEXES) ON COMMIT DROP;
CREATE TEMP TABLE seen_since (source text, review_id text) ON COMMIT DROP;

-- name: replay_kept
-- What core holds of the movie and no readable collection shows. A version is the same if its words,
-- stars, day and mark are the same.
WITH shown AS (
    SELECT source, review_id, content_hash, rating_1_10, submitted_on, is_spoiler
    FROM pg_temp.review_revisions
    UNION ALL
    SELECT source, review_id, content_hash, rating_1_10, submitted_on, is_spoiler
    FROM pg_temp.reviews
)
SELECT (SELECT count(*) FROM core.reviews r
        LEFT JOIN pg_temp.reviews t USING (source, review_id)
        WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s AND t.review_id IS NULL) AS reviews,
       (SELECT count(*) FROM core.review_revisions r
        WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s
          AND NOT EXISTS (
              SELECT FROM shown s
              WHERE (s.source, s.review_id) = (r.source, r.review_id)
                AND (s.content_hash, s.rating_1_10, s.submitted_on, s.is_spoiler)
                    IS NOT DISTINCT FROM
                    (r.content_hash, r.rating_1_10, r.submitted_on, r.is_spoiler))) AS revisions

-- name: replay_keep_reviews
-- Collections are lost. If no later one shows a review, core knows more of it than they do; the first
-- whole collection since then (gone_at) says that it is gone.
MERGE INTO pg_temp.reviews t
USING (SELECT r.*, EXISTS (SELECT FROM pg_temp.seen_since s
                           WHERE (s.source, s.review_id) = (r.source, r.review_id)) AS is_seen
       FROM core.reviews r WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s) r
   ON (t.source, t.review_id) = (r.source, r.review_id)
WHEN MATCHED AND r.is_seen THEN UPDATE SET
    first_seen_at = least(r.first_seen_at, t.first_seen_at)
WHEN MATCHED THEN UPDATE SET
    author_key = r.author_key, title = r.title, body = r.body, rating_1_10 = r.rating_1_10,
    submitted_on = r.submitted_on, date_source = r.date_source, is_spoiler = r.is_spoiler,
    helpful_up = r.helpful_up, helpful_down = r.helpful_down, language = r.language,
    content_hash = r.content_hash, first_seen_at = least(r.first_seen_at, t.first_seen_at),
    removed_at = coalesce(r.removed_at, %(gone_at)s)
WHEN NOT MATCHED THEN INSERT (source, review_id, imdb_id, author_key, title, body, rating_1_10,
    submitted_on, date_source, is_spoiler, helpful_up, helpful_down, language, content_hash,
    first_seen_at, removed_at)
VALUES (r.source, r.review_id, r.imdb_id, r.author_key, r.title, r.body, r.rating_1_10,
    r.submitted_on, r.date_source, r.is_spoiler, r.helpful_up, r.helpful_down, r.language,
    r.content_hash, r.first_seen_at, coalesce(r.removed_at, %(gone_at)s))

-- name: replay_keep_revisions
-- The versions that core has stay as they are.
INSERT INTO pg_temp.review_revisions
SELECT * FROM core.review_revisions WHERE source = %(source)s AND imdb_id = %(imdb_id)s

-- name: replay_note_seen
-- Reviews seen since the last loss: for these the collections have the newest state.
INSERT INTO pg_temp.seen_since SELECT source, review_id FROM incoming

-- name: replay_drop_doubled
-- Versions that core has too. If their ends differ, core knows better.
DELETE FROM pg_temp.review_revisions t
USING core.review_revisions r
WHERE (t.source, t.review_id) = (r.source, r.review_id)
  AND (t.replaced_at = r.replaced_at
       OR (t.content_hash, t.rating_1_10, t.submitted_on, t.is_spoiler)
          IS NOT DISTINCT FROM (r.content_hash, r.rating_1_10, r.submitted_on, r.is_spoiler))

-- name: replay_merge_reviews
MERGE INTO core.reviews r
USING pg_temp.reviews t ON (r.source, r.review_id) = (t.source, t.review_id)
WHEN MATCHED AND r.* IS DISTINCT FROM t.* THEN UPDATE SET
    author_key = t.author_key, title = t.title, body = t.body, rating_1_10 = t.rating_1_10,
    submitted_on = t.submitted_on, date_source = t.date_source, is_spoiler = t.is_spoiler,
    helpful_up = t.helpful_up, helpful_down = t.helpful_down, language = t.language,
    content_hash = t.content_hash, first_seen_at = t.first_seen_at, removed_at = t.removed_at
WHEN NOT MATCHED THEN INSERT VALUES (t.*)

-- name: replay_merge_revisions
MERGE INTO core.review_revisions r
USING pg_temp.review_revisions t
   ON (r.source, r.review_id, r.replaced_at) = (t.source, t.review_id, t.replaced_at)
WHEN MATCHED AND r.* IS DISTINCT FROM t.* THEN UPDATE SET
    title = t.title, body = t.body, rating_1_10 = t.rating_1_10, submitted_on = t.submitted_on,
    is_spoiler = t.is_spoiler, helpful_up = t.helpful_up, helpful_down = t.helpful_down,
    content_hash = t.content_hash, date_source = t.date_source
WHEN NOT MATCHED THEN INSERT VALUES (t.*)

-- name: replay_delete_reviews
DELETE FROM core.reviews r
WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s
  AND NOT EXISTS (SELECT FROM pg_temp.reviews t
                  WHERE (t.source, t.review_id) = (r.source, r.review_id))

-- name: replay_delete_revisions
DELETE FROM core.review_revisions r
WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s
  AND NOT EXISTS (
      SELECT FROM pg_temp.review_revisions t
      WHERE (t.source, t.review_id, t.replaced_at) = (r.source, r.review_id, r.replaced_at))

-- name: replay_count_new
SELECT count(*) FROM pg_temp.reviews t
WHERE NOT EXISTS (SELECT FROM core.reviews r
                  WHERE (r.source, r.review_id) = (t.source, t.review_id))

-- name: replay_count_gone
-- Reviews that are no longer current: all of them, and those that stay, marked as removed.
SELECT count(*) AS gone, count(t.review_id) AS marked FROM core.reviews r
LEFT JOIN pg_temp.reviews t USING (source, review_id)
WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s AND r.removed_at IS NULL
  AND (t.review_id IS NULL OR t.removed_at IS NOT NULL)

-- name: lost_objects
SELECT object, source, imdb_id, manifest, collected_at, fault, sha256, reviews, found_at, settled_by,
    settled_at, known_reviews, known_revisions
FROM ops.lost_objects
WHERE source = %(source)s AND imdb_id = %(imdb_id)s
ORDER BY object

-- name: note_lost_object
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

-- name: drop_found_objects
-- Objects that are there again.
DELETE FROM ops.lost_objects
WHERE source = %(source)s AND imdb_id = %(imdb_id)s AND settled_by IS NULL
