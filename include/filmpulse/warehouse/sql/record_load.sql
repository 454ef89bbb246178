INSERT INTO ops.loads (manifest_uri, source, imdb_id, collected_at, is_whole, inserted_rows,
    revised_rows, updated_rows, removed_rows)
VALUES (%(manifest_uri)s, %(source)s, %(imdb_id)s, %(started_at)s, %(is_whole)s, %(inserted)s,
    %(revised)s, %(updated)s, %(removed)s)
ON CONFLICT (manifest_uri) DO NOTHING
