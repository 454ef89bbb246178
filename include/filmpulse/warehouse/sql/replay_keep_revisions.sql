-- The versions that core has stay as they are.
INSERT INTO pg_temp.review_revisions (source, review_id, replaced_at, imdb_id, title, body,
    rating_1_10, submitted_on, is_spoiler, helpful_up, helpful_down, content_hash, date_source)
SELECT source, review_id, replaced_at, imdb_id, title, body, rating_1_10, submitted_on, is_spoiler,
       helpful_up, helpful_down, content_hash, date_source
FROM core.review_revisions WHERE source = %(source)s AND imdb_id = %(imdb_id)s
