INSERT INTO reviews (source, review_id, imdb_id, author_key, title, body, rating_1_10, submitted_on,
    date_source, is_spoiler, helpful_up, helpful_down, language, content_hash, first_seen_at)
SELECT i.source, i.review_id, %(imdb_id)s, i.author_key, i.title, i.body, i.rating_1_10,
       i.submitted_on, i.date_source, i.is_spoiler, i.helpful_up, i.helpful_down, i.language,
       i.content_hash, %(collected_at)s
FROM incoming i
ON CONFLICT (source, review_id) DO NOTHING
