MERGE INTO core.review_revisions r
USING pg_temp.review_revisions t
   ON (r.source, r.review_id, r.replaced_at) = (t.source, t.review_id, t.replaced_at)
WHEN MATCHED AND r.* IS DISTINCT FROM t.* THEN UPDATE SET
    title = t.title, body = t.body, rating_1_10 = t.rating_1_10, submitted_on = t.submitted_on,
    is_spoiler = t.is_spoiler, helpful_up = t.helpful_up, helpful_down = t.helpful_down,
    content_hash = t.content_hash, date_source = t.date_source
WHEN NOT MATCHED THEN INSERT (source, review_id, replaced_at, imdb_id, title, body, rating_1_10,
    submitted_on, is_spoiler, helpful_up, helpful_down, content_hash, date_source)
VALUES (t.source, t.review_id, t.replaced_at, t.imdb_id, t.title, t.body, t.rating_1_10,
    t.submitted_on, t.is_spoiler, t.helpful_up, t.helpful_down,
    t.content_hash, t.date_source)
