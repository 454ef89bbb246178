-- Which of these reviews' ids stand for a review of another movie already.
SELECT i.review_id, i.imdb_id, r.imdb_id AS other_imdb_id
FROM unnest(%(review_ids)s::text[], %(imdb_ids)s::text[]) AS i (review_id, imdb_id)
JOIN core.reviews r ON r.source = %(source)s AND r.review_id = i.review_id
WHERE r.imdb_id <> i.imdb_id
