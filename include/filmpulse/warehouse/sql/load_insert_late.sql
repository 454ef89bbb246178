-- What a late collection alone has seen was gone by the first complete full one after it.
INSERT INTO core.reviews (source, review_id, imdb_id, author_key, title, body, rating_1_10,
    submitted_on, date_source, is_spoiler, helpful_up, helpful_down, language, content_hash,
    first_seen_at, removed_at)
SELECT i.source, i.review_id, %(imdb_id)s, i.author_key, i.title, i.body, i.rating_1_10,
       i.submitted_on, i.date_source, i.is_spoiler, i.helpful_up, i.helpful_down, i.language,
       i.content_hash, %(collected_at)s,
       (SELECT min(c.started_at) FROM ops.collections c
        WHERE c.imdb_id = %(imdb_id)s AND c.source = i.source AND c.loaded_at IS NOT NULL
          AND c.mode = 'full' AND c.status = 'complete' AND c.started_at > %(collected_at)s)
FROM incoming i
ON CONFLICT (source, review_id) DO NOTHING
