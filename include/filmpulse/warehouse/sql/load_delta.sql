-- Which rows are new or otherwise than stored. All after this touch these alone, and texts are read
-- for these alone: the hash stands for title and body, which are missing together or not at all.
CREATE TEMP TABLE delta ON COMMIT DROP AS
SELECT i.source, i.review_id, r.review_id IS NULL AS is_new,
       r.review_id IS NOT NULL
       AND (r.content_hash, r.rating_1_10, r.submitted_on, r.is_spoiler)
           IS DISTINCT FROM (i.content_hash, i.rating_1_10, i.submitted_on, i.is_spoiler)
       AS is_revised
FROM incoming i
LEFT JOIN reviews r ON (r.source, r.review_id) = (i.source, i.review_id)
WHERE r.review_id IS NULL
   OR r.removed_at IS NOT NULL
   OR (r.content_hash, r.title IS NULL, r.rating_1_10, r.submitted_on, r.date_source, r.is_spoiler,
       r.helpful_up, r.helpful_down, r.author_key)
      IS DISTINCT FROM
      (i.content_hash, i.title IS NULL, i.rating_1_10, i.submitted_on, i.date_source, i.is_spoiler,
       i.helpful_up, i.helpful_down, i.author_key)
