SELECT count(*) FROM core.reviews r
LEFT JOIN pg_temp.reviews t USING (source, review_id)
WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s AND r.removed_at IS NULL
  AND (t.review_id IS NULL OR t.removed_at IS NOT NULL)
