INSERT INTO ops.collections (run_id, source, imdb_id, mode, status)
VALUES (%(run_id)s, %(source)s, %(imdb_id)s, %(mode)s, 'queued')
ON CONFLICT (run_id, source, imdb_id) DO NOTHING
