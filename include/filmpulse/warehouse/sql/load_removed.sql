UPDATE reviews r
SET removed_at = %(collected_at)s
WHERE r.imdb_id = %(imdb_id)s AND r.source = %(source)s AND r.removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM incoming i WHERE (i.source, i.review_id) = (r.source, r.review_id))
