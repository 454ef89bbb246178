-- Collections are lost. Of a review that none has shown since, core knows more than they do; the first
-- whole one since (gone_at) tells that it is gone.
MERGE INTO pg_temp.reviews t
USING (SELECT r.*, EXISTS (SELECT FROM pg_temp.seen_since s
                           WHERE (s.source, s.review_id) = (r.source, r.review_id)) AS is_seen
       FROM core.reviews r WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s) r
   ON (t.source, t.review_id) = (r.source, r.review_id)
WHEN MATCHED AND r.is_seen THEN UPDATE SET
    first_seen_at = least(r.first_seen_at, t.first_seen_at)
WHEN MATCHED THEN UPDATE SET
    author_key = r.author_key, title = r.title, body = r.body, rating_1_10 = r.rating_1_10,
    submitted_on = r.submitted_on, date_source = r.date_source, is_spoiler = r.is_spoiler,
    helpful_up = r.helpful_up, helpful_down = r.helpful_down, language = r.language,
    content_hash = r.content_hash, first_seen_at = least(r.first_seen_at, t.first_seen_at),
    removed_at = coalesce(r.removed_at, %(gone_at)s)
WHEN NOT MATCHED THEN INSERT (source, review_id, imdb_id, author_key, title, body, rating_1_10,
    submitted_on, date_source, is_spoiler, helpful_up, helpful_down, language, content_hash,
    first_seen_at, removed_at)
VALUES (r.source, r.review_id, r.imdb_id, r.author_key, r.title, r.body, r.rating_1_10,
    r.submitted_on, r.date_source, r.is_spoiler, r.helpful_up, r.helpful_down, r.language,
    r.content_hash, r.first_seen_at, coalesce(r.removed_at, %(gone_at)s))
