-- Collections: `ops.collections` and `ops.loads`.

-- name: queue_collection
INSERT INTO ops.collections (run_id, source, imdb_id, mode, status)
VALUES (%(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, 'queued')
ON CONFLICT (run_id, source, imdb_id) DO NOTHING

-- name: queued_sources
-- Which sources of a movie a run is to read, and how.
SELECT source, mode FROM ops.collections
WHERE run_id = %(run_id)s AND imdb_id = %(imdb_id)s
ORDER BY collection_id

-- name: start_collection
-- A new try under the same run begins anew: what an earlier try wrote here is no longer true.
INSERT INTO ops.collections (run_id, source, imdb_id, mode, status)
VALUES (%(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, 'running')
ON CONFLICT (run_id, source, imdb_id) DO UPDATE SET
    status = 'running', reason = NULL, sentence = NULL, heartbeat_at = now(), started_at = NULL,
    finished_at = NULL, review_count_start = NULL, review_count_end = NULL, distinct_ids = NULL,
    variant = NULL, manifest_uri = NULL, loaded_at = NULL, inserted_rows = NULL,
    revised_rows = NULL, updated_rows = NULL, removed_rows = NULL
RETURNING collection_id

-- name: beat_collection
-- A sign of life, and how far it came; its end writes the figures that count.
UPDATE ops.collections SET
    heartbeat_at = now(), distinct_ids = %(distinct_ids)s, review_count_end = %(review_count_end)s
WHERE collection_id = %(collection_id)s

-- name: finish_collection
UPDATE ops.collections SET
    status = %(status)s, reason = %(reason)s, sentence = %(sentence)s, started_at = %(started_at)s,
    finished_at = %(finished_at)s, heartbeat_at = now(),
    review_count_start = %(review_count_start)s, review_count_end = %(review_count_end)s,
    distinct_ids = %(distinct_ids)s, variant = %(variant)s, manifest_uri = %(manifest_uri)s
WHERE collection_id = %(collection_id)s

-- name: run_collections
SELECT c.source, c.imdb_id, coalesce(m.original_title, m.title, c.imdb_id) AS title, c.mode, c.status, c.reason,
       c.sentence, c.review_count_end, c.distinct_ids, c.loaded_at, c.inserted_rows, c.revised_rows,
       c.updated_rows, c.removed_rows, c.manifest_uri
FROM ops.collections c
LEFT JOIN core.movies m USING (imdb_id)
WHERE c.run_id = %(run_id)s
ORDER BY c.imdb_id, c.collection_id

-- name: loaded_collection
-- Close the run's line with what loading this manifest changed. If the line is restored after a
-- loss, one that is still there stays: it knows more.
INSERT INTO ops.collections AS c (run_id, source, imdb_id, mode, status, reason, sentence,
    started_at, finished_at, review_count_start, review_count_end, distinct_ids, variant,
    manifest_uri, loaded_at, inserted_rows, revised_rows, updated_rows, removed_rows)
SELECT %(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, %(status)s, %(reason)s, %(sentence)s,
    %(started_at)s, %(finished_at)s, %(review_count_start)s, %(review_count_end)s,
    %(distinct_ids)s, %(variant)s, l.manifest_uri, l.loaded_at, l.inserted_rows, l.revised_rows,
    l.updated_rows, l.removed_rows
FROM ops.loads l WHERE l.manifest_uri = %(manifest_uri)s
ON CONFLICT (run_id, source, imdb_id) DO UPDATE SET
    status = excluded.status, reason = excluded.reason, sentence = excluded.sentence,
    started_at = excluded.started_at, finished_at = excluded.finished_at, heartbeat_at = now(),
    review_count_start = excluded.review_count_start, review_count_end = excluded.review_count_end,
    distinct_ids = excluded.distinct_ids, variant = excluded.variant,
    manifest_uri = excluded.manifest_uri, loaded_at = excluded.loaded_at,
    inserted_rows = excluded.inserted_rows, revised_rows = excluded.revised_rows,
    updated_rows = excluded.updated_rows, removed_rows = excluded.removed_rows
WHERE NOT %(is_restored)s
  AND (c.manifest_uri IS NULL OR c.manifest_uri = excluded.manifest_uri
       OR c.started_at <= excluded.started_at)
