DELETE FROM core.review_revisions r
WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s
  AND NOT EXISTS (
      SELECT FROM pg_temp.review_revisions t
      WHERE (t.source, t.review_id, t.replaced_at) = (r.source, r.review_id, r.replaced_at))
