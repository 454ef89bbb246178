SELECT count(*) FROM pg_temp.reviews t
WHERE NOT EXISTS (SELECT FROM core.reviews r
                  WHERE (r.source, r.review_id) = (t.source, t.review_id))
