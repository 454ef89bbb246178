INSERT INTO ops.file_sources (source, rights_note, map, first_used_at, last_used_at)
VALUES (%(source)s, %(rights)s, %(map)s, %(used_at)s, %(used_at)s)
ON CONFLICT (source) DO UPDATE SET
    rights_note = excluded.rights_note, map = excluded.map,
    first_used_at = least(file_sources.first_used_at, excluded.first_used_at),
    last_used_at = greatest(file_sources.last_used_at, excluded.last_used_at)
