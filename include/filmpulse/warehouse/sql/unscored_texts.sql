-- Current texts of these movies that the analyser has not finished with, newest reviews first.
SELECT r.source, r.review_id, r.imdb_id, r.content_hash, r.language, r.title, r.body,
       count(*) OVER () AS total
FROM mart.current_reviews r
WHERE r.imdb_id = ANY(%(imdb_ids)s) AND r.body IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM core.review_analyses a
      WHERE (a.source, a.review_id, a.content_hash, a.analyser_id)
          = (r.source, r.review_id, r.content_hash, %(analyser_id)s)
        AND mart.is_final(a.status)
        AND NOT mart.is_due_again(a.status, a.content_hash, a.analyser_id))
ORDER BY r.submitted_on DESC NULLS LAST, r.source, r.review_id
