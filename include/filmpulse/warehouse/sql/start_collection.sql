INSERT INTO ops.collections (run_id, source, imdb_id, mode, status)
VALUES (%(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, 'running')
ON CONFLICT (run_id, source, imdb_id) DO UPDATE SET
    status = 'running', reason = NULL, sentence = NULL, heartbeat_at = now(), finished_at = NULL
RETURNING collection_id
