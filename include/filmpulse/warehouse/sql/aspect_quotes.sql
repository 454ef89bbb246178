-- The most typical praise and fault of each aspect: strongest score, then most helpful to readers,
-- then of a readable length; never from a spoiler.
SELECT DISTINCT ON (aspect, praise) s.aspect, s.score > 0 AS praise, s.quote, s.score, r.submitted_on
FROM mart.aspect_scores s
JOIN mart.reviews r USING (source, review_id)
WHERE s.imdb_id = %(imdb_id)s AND s.score <> 0 AND s.quote IS NOT NULL AND NOT s.is_spoiler
ORDER BY aspect, praise, abs(s.score) DESC, length(s.quote) NOT BETWEEN 30 AND 160,
         coalesce(r.helpful_up, 0) DESC, r.review_id
