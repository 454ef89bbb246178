-- Movies (these, or all) with current reviews that the analyser has not finished with: how many it never
-- took up, how many wait for money, how many failed, how many are asked about again since their answer
-- could not be read, and how long their texts are.
SELECT r.imdb_id, coalesce(m.original_title, m.title) AS title,
       count(*) FILTER (WHERE a.status IS NULL) AS untouched,
       count(*) FILTER (WHERE a.status = 'over_budget') AS over_budget,
       count(*) FILTER (WHERE a.status = 'failed') AS failed,
       count(*) FILTER (WHERE a.status = 'invalid') AS invalid,
       sum(char_length(r.title) + char_length(r.body)) AS characters
FROM mart.current_reviews r
JOIN core.movies m USING (imdb_id)
LEFT JOIN core.review_analyses a
       ON (a.source, a.review_id, a.content_hash, a.analyser_id)
        = (r.source, r.review_id, r.content_hash, %(analyser_id)s)
WHERE (%(imdb_ids)s::text[] IS NULL OR r.imdb_id = ANY(%(imdb_ids)s))
  AND r.body IS NOT NULL
  AND (NOT mart.is_final(a.status) OR mart.is_due_again(a.status, a.content_hash, a.analyser_id))
GROUP BY r.imdb_id, m.original_title, m.title
ORDER BY r.imdb_id
