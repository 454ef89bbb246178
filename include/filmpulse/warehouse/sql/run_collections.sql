SELECT c.imdb_id, coalesce(m.original_title, m.title, c.imdb_id) AS title, c.mode, c.status, c.reason,
       c.sentence, c.review_count_end, c.distinct_ids, c.loaded_at, c.inserted_rows, c.revised_rows,
       c.updated_rows, c.removed_rows, c.manifest_uri
FROM ops.collections c
LEFT JOIN core.movies m USING (imdb_id)
WHERE c.run_id = %(run_id)s
ORDER BY c.imdb_id
