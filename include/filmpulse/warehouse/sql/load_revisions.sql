INSERT INTO review_revisions (source, review_id, replaced_at, imdb_id, title, body, rating_1_10,
    submitted_on, is_spoiler, helpful_up, helpful_down, content_hash, date_source)
SELECT r.source, r.review_id, %(collected_at)s, r.imdb_id, r.title, r.body, r.rating_1_10,
       r.submitted_on, r.is_spoiler, r.helpful_up, r.helpful_down, r.content_hash,
       r.date_source
FROM reviews r
JOIN delta d USING (source, review_id)
WHERE d.is_revised
ON CONFLICT (source, review_id, replaced_at) DO NOTHING
