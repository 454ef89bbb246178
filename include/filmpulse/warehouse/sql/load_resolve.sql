-- What one route does not show does not erase what another did: votes, author, day. A day
-- read off the DOM never overwrites one from the site's JSON or from a file.
UPDATE incoming AS i
SET helpful_up = coalesce(i.helpful_up, r.helpful_up),
    helpful_down = coalesce(i.helpful_down, r.helpful_down),
    author_key = coalesce(i.author_key, r.author_key),
    title = CASE WHEN i.body IS NULL AND i.content_hash = r.content_hash THEN r.title ELSE i.title END,
    body = CASE WHEN i.body IS NULL AND i.content_hash = r.content_hash THEN r.body ELSE i.body END,
    (submitted_on, date_source) = (
        SELECT d.submitted_on, d.date_source
        FROM (VALUES (i.submitted_on, i.date_source, 1), (r.submitted_on, r.date_source, 2))
            AS d (submitted_on, date_source, position)
        ORDER BY d.submitted_on IS NULL, d.date_source IS NOT DISTINCT FROM 'dom', d.position
        LIMIT 1
    )
FROM reviews r
WHERE (i.source, i.review_id) = (r.source, r.review_id)
  AND (i.helpful_up IS NULL OR i.helpful_down IS NULL OR i.author_key IS NULL
       OR i.submitted_on IS NULL OR i.date_source = 'dom'
       OR i.body IS NULL)
