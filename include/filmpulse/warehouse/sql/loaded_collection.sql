-- Close the run's line with what loading this manifest changed, which is said only once.
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
WHERE c.manifest_uri IS NULL OR c.manifest_uri = excluded.manifest_uri
   OR c.started_at <= excluded.started_at
