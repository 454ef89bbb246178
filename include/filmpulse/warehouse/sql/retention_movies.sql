-- Movies that may hold texts whose time is over, a batch at a time.
SELECT source, imdb_id
FROM (SELECT source, imdb_id FROM core.reviews
      WHERE removed_at <= %(cutoff)s AND (title IS NOT NULL OR body IS NOT NULL)
      UNION
      SELECT source, imdb_id FROM core.review_revisions
      WHERE replaced_at <= %(cutoff)s AND (title IS NOT NULL OR body IS NOT NULL)) m
WHERE (source, imdb_id) > (%(source)s, %(imdb_id)s)
ORDER BY source, imdb_id
LIMIT 200
