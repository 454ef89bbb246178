INSERT INTO ops.collections AS c (run_id, source, imdb_id, mode, status, reason, sentence,
    started_at, finished_at, review_count_start, review_count_end, distinct_ids, variant,
    manifest_uri, loaded_at, inserted_rows, revised_rows, updated_rows, removed_rows)
VALUES (%(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, %(status)s, %(reason)s, %(sentence)s,
    %(started_at)s, %(finished_at)s, %(review_count_start)s, %(review_count_end)s,
    %(distinct_ids)s, %(variant)s, %(manifest_uri)s, now(), %(inserted)s, %(revised)s,
    %(updated)s, %(removed)s)
ON CONFLICT (run_id, source, imdb_id) DO UPDATE SET
    status = excluded.status, reason = excluded.reason, sentence = excluded.sentence,
    started_at = excluded.started_at, finished_at = excluded.finished_at, heartbeat_at = now(),
    review_count_start = excluded.review_count_start, review_count_end = excluded.review_count_end,
    distinct_ids = excluded.distinct_ids, variant = excluded.variant,
    manifest_uri = excluded.manifest_uri, loaded_at = excluded.loaded_at,
    -- a second load of the same manifest finds nothing new; the first one's figures stay
    inserted_rows = CASE WHEN c.manifest_uri = excluded.manifest_uri AND c.loaded_at IS NOT NULL
                         THEN c.inserted_rows ELSE excluded.inserted_rows END,
    revised_rows = CASE WHEN c.manifest_uri = excluded.manifest_uri AND c.loaded_at IS NOT NULL
                        THEN c.revised_rows ELSE excluded.revised_rows END,
    updated_rows = CASE WHEN c.manifest_uri = excluded.manifest_uri AND c.loaded_at IS NOT NULL
                        THEN c.updated_rows ELSE excluded.updated_rows END,
    removed_rows = CASE WHEN c.manifest_uri = excluded.manifest_uri AND c.loaded_at IS NOT NULL
                        THEN c.removed_rows ELSE excluded.removed_rows END
RETURNING collection_id
