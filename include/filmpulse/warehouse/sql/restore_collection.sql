-- A line that a lost warehouse had; one that is there knows more.
INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, reason, sentence, started_at,
    finished_at, review_count_start, review_count_end, distinct_ids, variant, manifest_uri, loaded_at,
    inserted_rows, revised_rows, updated_rows, removed_rows)
SELECT %(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, %(status)s, %(reason)s, %(sentence)s,
    %(started_at)s, %(finished_at)s, %(review_count_start)s, %(review_count_end)s,
    %(distinct_ids)s, %(variant)s, l.manifest_uri, l.loaded_at, l.inserted_rows, l.revised_rows,
    l.updated_rows, l.removed_rows
FROM ops.loads l WHERE l.manifest_uri = %(manifest_uri)s
ON CONFLICT (run_id, source, imdb_id) DO NOTHING
