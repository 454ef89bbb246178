-- Loading one collection.

-- name: movie_loads
SELECT manifest_uri, collected_at FROM ops.loads
WHERE imdb_id = %(imdb_id)s AND source = %(source)s
ORDER BY collected_at, manifest_uri

-- name: loaded_movies
SELECT DISTINCT source, imdb_id FROM ops.loads ORDER BY source, imdb_id

-- name: record_load
INSERT INTO ops.loads (manifest_uri, source, imdb_id, collected_at, is_whole, inserted_rows,
    revised_rows, updated_rows, removed_rows)
VALUES (%(manifest_uri)s, %(source)s, %(imdb_id)s, %(started_at)s, %(is_whole)s, %(inserted)s,
    %(revised)s, %(updated)s, %(removed)s)
ON CONFLICT (manifest_uri) DO NOTHING

-- name: known_reviews
SELECT review_id, content_hash, language, removed_at IS NULL AS is_current
FROM core.reviews WHERE imdb_id = %(imdb_id)s AND source = %(source)s

-- name: load_incoming
-- The hash joins below fit into this memory; the planner needs a sample of a few hundred rows only.
SET LOCAL work_mem = '32MB';
SET LOCAL default_statistics_target = 1;
DROP TABLE IF EXISTS pg_temp.incoming, pg_temp.delta;
CREATE TEMP TABLE incoming (LIKE core.reviews) ON COMMIT DROP

-- name: load_copy
COPY incoming (source, review_id, imdb_id, author_key, title, body, rating_1_10, submitted_on,
    date_source, is_spoiler, helpful_up, helpful_down, language, content_hash, first_seen_at)
FROM STDIN (FORMAT BINARY)

-- name: load_resolve
-- A value that one route does not show keeps what another route showed: votes, author, day. A day
-- from the DOM never overwrites one from the site's JSON or from a file.
UPDATE incoming AS i
SET helpful_up = coalesce(i.helpful_up, r.helpful_up),
    helpful_down = coalesce(i.helpful_down, r.helpful_down),
    author_key = coalesce(i.author_key, r.author_key),
    title = CASE WHEN i.body IS NULL AND i.content_hash = r.content_hash THEN r.title ELSE i.title END,
    body = CASE WHEN i.body IS NULL AND i.content_hash = r.content_hash THEN r.body ELSE i.body END,
    (submitted_on, date_source) = (
        SELECT d.submitted_on, d.date_source
        FROM (VALUES (i.submitted_on, i.date_source, 1), (r.submitted_on, r.date_source, 2))
            AS d (submitted_on, date_source, position)
        ORDER BY d.submitted_on IS NULL, d.date_source IS NOT DISTINCT FROM 'dom', d.position
        LIMIT 1
    )
FROM reviews r
WHERE (i.source, i.review_id) = (r.source, r.review_id)
  AND (i.helpful_up IS NULL OR i.helpful_down IS NULL OR i.author_key IS NULL
       OR i.submitted_on IS NULL OR i.date_source = 'dom'
       OR i.body IS NULL)

-- name: load_delta
-- Rows that are new or differ from those stored; the later statements touch these alone. The hash
-- stands for title and body, so texts are read for these alone; both texts are missing or neither.
CREATE TEMP TABLE delta ON COMMIT DROP AS
SELECT i.source, i.review_id, r.review_id IS NULL AS is_new,
       r.review_id IS NOT NULL
       AND (r.content_hash, r.rating_1_10, r.submitted_on, r.is_spoiler)
           IS DISTINCT FROM (i.content_hash, i.rating_1_10, i.submitted_on, i.is_spoiler)
       AS is_revised
FROM incoming i
LEFT JOIN reviews r ON (r.source, r.review_id) = (i.source, i.review_id)
WHERE r.review_id IS NULL
   OR r.removed_at IS NOT NULL
   OR (r.content_hash, r.title IS NULL, r.rating_1_10, r.submitted_on, r.date_source, r.is_spoiler,
       r.helpful_up, r.helpful_down, r.author_key)
      IS DISTINCT FROM
      (i.content_hash, i.title IS NULL, i.rating_1_10, i.submitted_on, i.date_source, i.is_spoiler,
       i.helpful_up, i.helpful_down, i.author_key)

-- name: load_revisions
INSERT INTO review_revisions (source, review_id, replaced_at, imdb_id, title, body, rating_1_10,
    submitted_on, is_spoiler, helpful_up, helpful_down, content_hash, date_source)
SELECT r.source, r.review_id, %(collected_at)s, r.imdb_id, r.title, r.body, r.rating_1_10,
       r.submitted_on, r.is_spoiler, r.helpful_up, r.helpful_down, r.content_hash,
       r.date_source
FROM reviews r
JOIN delta d USING (source, review_id)
WHERE d.is_revised
ON CONFLICT (source, review_id, replaced_at) DO NOTHING

-- name: load_merge
MERGE INTO reviews r
USING (SELECT i.* FROM incoming i JOIN delta USING (source, review_id)) i
   ON (r.source, r.review_id) = (i.source, i.review_id)
WHEN MATCHED THEN UPDATE SET
    author_key = i.author_key, title = i.title, body = i.body, rating_1_10 = i.rating_1_10,
    submitted_on = i.submitted_on, date_source = i.date_source, is_spoiler = i.is_spoiler,
    helpful_up = i.helpful_up, helpful_down = i.helpful_down, language = i.language,
    content_hash = i.content_hash, removed_at = NULL
WHEN NOT MATCHED THEN INSERT VALUES (i.*)

-- name: load_insert_missing
INSERT INTO reviews SELECT * FROM incoming ON CONFLICT (source, review_id) DO NOTHING

-- name: load_removed
UPDATE reviews r
SET removed_at = %(collected_at)s
WHERE r.imdb_id = %(imdb_id)s AND r.source = %(source)s AND r.removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM incoming i WHERE (i.source, i.review_id) = (r.source, r.review_id))

-- name: load_withdrawn
-- Reviews that a stream reported as deleted.
UPDATE reviews SET removed_at = %(collected_at)s
WHERE imdb_id = %(imdb_id)s AND source = %(source)s AND removed_at IS NULL
  AND review_id = ANY(%(removed_ids)s)

-- name: load_count_new
SELECT count(*) FROM delta WHERE is_new

-- name: ids_elsewhere
-- Which of these ids belong to a review of another movie already.
SELECT i.review_id, i.imdb_id, r.imdb_id AS other_imdb_id
FROM unnest(%(review_ids)s::text[], %(imdb_ids)s::text[]) AS i (review_id, imdb_id)
JOIN core.reviews r ON r.source = %(source)s AND r.review_id = i.review_id
WHERE r.imdb_id <> i.imdb_id

-- name: store_file_source
INSERT INTO ops.file_sources (source, rights_note, map, first_used_at, last_used_at)
VALUES (%(source)s, %(rights)s, %(map)s, %(used_at)s, %(used_at)s)
ON CONFLICT (source) DO UPDATE SET
    rights_note = excluded.rights_note, map = excluded.map,
    first_used_at = least(file_sources.first_used_at, excluded.first_used_at),
    last_used_at = greatest(file_sources.last_used_at, excluded.last_used_at)
