MERGE INTO core.reviews r
USING pg_temp.reviews t ON (r.source, r.review_id) = (t.source, t.review_id)
WHEN MATCHED AND r.* IS DISTINCT FROM t.* THEN UPDATE SET
    author_key = t.author_key, title = t.title, body = t.body, rating_1_10 = t.rating_1_10,
    submitted_on = t.submitted_on, date_source = t.date_source, is_spoiler = t.is_spoiler,
    helpful_up = t.helpful_up, helpful_down = t.helpful_down, language = t.language,
    content_hash = t.content_hash, first_seen_at = t.first_seen_at, removed_at = t.removed_at
WHEN NOT MATCHED THEN INSERT (source, review_id, imdb_id, author_key, title, body, rating_1_10,
    submitted_on, date_source, is_spoiler, helpful_up, helpful_down, language, content_hash,
    first_seen_at, removed_at)
VALUES (t.source, t.review_id, t.imdb_id, t.author_key, t.title, t.body, t.rating_1_10,
    t.submitted_on, t.date_source, t.is_spoiler, t.helpful_up, t.helpful_down, t.language,
    t.content_hash, t.first_seen_at, t.removed_at)
