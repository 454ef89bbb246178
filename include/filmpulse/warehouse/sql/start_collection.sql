-- A new try under the same run begins anew: what an earlier one wrote here is no longer true.
INSERT INTO ops.collections (run_id, source, imdb_id, mode, status)
VALUES (%(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, 'running')
ON CONFLICT (run_id, source, imdb_id) DO UPDATE SET
    status = 'running', reason = NULL, sentence = NULL, heartbeat_at = now(), started_at = NULL,
    finished_at = NULL, review_count_start = NULL, review_count_end = NULL, distinct_ids = NULL,
    variant = NULL, manifest_uri = NULL, loaded_at = NULL, inserted_rows = NULL,
    revised_rows = NULL, updated_rows = NULL, removed_rows = NULL
RETURNING collection_id
