SELECT count(*) FROM incoming i
WHERE NOT EXISTS (SELECT FROM reviews r WHERE (r.source, r.review_id) = (i.source, i.review_id))
