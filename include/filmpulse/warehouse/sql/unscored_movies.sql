-- Of these movies, the ones that have living reviews without a score, and how many.
SELECT r.imdb_id, coalesce(m.original_title, m.title) AS title, count(*) AS unscored
FROM mart.reviews r
JOIN core.movies m USING (imdb_id)
WHERE r.imdb_id = ANY(%(imdb_ids)s)
  AND (r.analysis_status IS NULL OR r.analysis_status = 'failed')
GROUP BY r.imdb_id, m.original_title, m.title
ORDER BY r.imdb_id
