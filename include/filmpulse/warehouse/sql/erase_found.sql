-- Which reviews are meant, wherever they stand.
SELECT source, imdb_id, review_id, author_key FROM core.reviews
WHERE source = %(source)s AND (review_id = ANY(%(review_ids)s) OR author_key = ANY(%(author_keys)s))
