MERGE INTO reviews r
USING (SELECT i.* FROM incoming i JOIN delta USING (source, review_id)) i
   ON (r.source, r.review_id) = (i.source, i.review_id)
WHEN MATCHED THEN UPDATE SET
    author_key = i.author_key, title = i.title, body = i.body, rating_1_10 = i.rating_1_10,
    submitted_on = i.submitted_on, date_source = i.date_source, is_spoiler = i.is_spoiler,
    helpful_up = i.helpful_up, helpful_down = i.helpful_down, language = i.language,
    content_hash = i.content_hash, removed_at = NULL
WHEN NOT MATCHED THEN INSERT (source, review_id, imdb_id, author_key, title, body, rating_1_10,
    submitted_on, date_source, is_spoiler, helpful_up, helpful_down, language, content_hash,
    first_seen_at)
VALUES (i.source, i.review_id, %(imdb_id)s, i.author_key, i.title, i.body, i.rating_1_10,
    i.submitted_on, i.date_source, i.is_spoiler, i.helpful_up, i.helpful_down, i.language,
    i.content_hash, %(collected_at)s)
