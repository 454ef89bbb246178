-- Tracked movies not looked at since `since`, longest unchecked first, never checked before all.
SELECT t.imdb_id
FROM unnest(%(imdb_ids)s::text[]) WITH ORDINALITY AS t (imdb_id, position)
LEFT JOIN ops.movie_checks c USING (imdb_id)
WHERE c.checked_at IS NULL OR c.checked_at < %(since)s
ORDER BY c.checked_at NULLS FIRST, t.position
