DELETE FROM core.reviews r
WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s
  AND NOT EXISTS (SELECT FROM pg_temp.reviews t
                  WHERE (t.source, t.review_id) = (r.source, r.review_id))
