-- What core knows of the movie and no readable collection shows. A version is the same if its words,
-- stars, day and mark are.
SELECT (SELECT count(*) FROM core.reviews r
        WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s
          AND NOT EXISTS (SELECT FROM pg_temp.reviews t
                          WHERE (t.source, t.review_id) = (r.source, r.review_id))) AS reviews,
       (SELECT count(*) FROM core.review_revisions r
        WHERE r.source = %(source)s AND r.imdb_id = %(imdb_id)s
          AND NOT EXISTS (
              SELECT FROM (
                  SELECT source, review_id, content_hash, rating_1_10, submitted_on, is_spoiler
                  FROM pg_temp.review_revisions
                  UNION ALL
                  SELECT source, review_id, content_hash, rating_1_10, submitted_on, is_spoiler
                  FROM pg_temp.reviews) t
              WHERE (t.source, t.review_id) = (r.source, r.review_id)
                AND (t.content_hash, t.rating_1_10, t.submitted_on, t.is_spoiler)
                    IS NOT DISTINCT FROM
                    (r.content_hash, r.rating_1_10, r.submitted_on, r.is_spoiler))) AS revisions
