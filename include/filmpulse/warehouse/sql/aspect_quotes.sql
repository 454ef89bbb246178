-- The most typical praise and fault of each aspect, never from a spoiler: a sentence about this
-- aspect alone, the strongest score, a readable length, the most helpful to readers.
WITH quoted AS (
    SELECT s.*, count(*) OVER (PARTITION BY s.source, s.review_id, s.quote_start) AS shared_by
    FROM mart.aspect_scores s
    WHERE s.imdb_id = %(imdb_id)s AND s.quote IS NOT NULL AND NOT s.is_spoiler
)
SELECT DISTINCT ON (q.aspect, praise) q.aspect, q.score > 0 AS praise, q.quote
FROM quoted q
JOIN mart.reviews r USING (source, review_id)
WHERE q.score <> 0
ORDER BY q.aspect, praise, q.shared_by, abs(q.score) DESC, length(q.quote) NOT BETWEEN 30 AND 160,
         coalesce(r.helpful_up, 0) DESC, r.review_id
