-- Reviews that no longer live: those that go, and those that stay, marked as removed.
SELECT count(*) AS gone, count(t.review_id) AS marked FROM core.reviews r
LEFT JOIN pg_temp.reviews t USING (source, review_id)
WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s AND r.removed_at IS NULL
  AND (t.review_id IS NULL OR t.removed_at IS NOT NULL)
