CREATE VIEW mart.movie_health AS
SELECT c.imdb_id, c.movie, c.reviews, c.known_reviews, c.coverage,
       p.waiting_reviews,
       k.checked_at AS looked_at, k.outcome AS look_outcome,
       extract(epoch FROM now() - k.checked_at)::double precision / 3600 AS hours_since_look,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at,
       o.source AS collection_source
FROM mart.movie_counts c
LEFT JOIN mart.review_figures p USING (imdb_id)
LEFT JOIN LATERAL (
    SELECT * FROM ops.movie_checks k WHERE k.imdb_id = c.imdb_id
    ORDER BY k.checked_at DESC, k.source LIMIT 1
) k ON true
LEFT JOIN LATERAL (
    -- A source that went well must not hide one that did not. The index leads from source to source,
    -- since a movie has thousands of collections.
    WITH RECURSIVE last AS (
        (SELECT o.* FROM ops.collections o
         WHERE o.imdb_id = c.imdb_id AND o.finished_at IS NOT NULL
         ORDER BY o.source, o.finished_at DESC LIMIT 1)
        UNION ALL
        SELECT o.* FROM last CROSS JOIN LATERAL (
            SELECT * FROM ops.collections o
            WHERE o.imdb_id = c.imdb_id AND o.source > last.source AND o.finished_at IS NOT NULL
            ORDER BY o.source, o.finished_at DESC LIMIT 1
        ) o
    )
    SELECT * FROM last ORDER BY mart.ended_well(status, mode), finished_at DESC LIMIT 1
) o ON true;
COMMENT ON VIEW mart.movie_health IS 'One row per movie: how fresh and how whole our knowledge of it is.';
COMMENT ON COLUMN mart.movie_health.look_outcome IS 'What it found: news, no_news, unfinished, busy, not_found, layout_changed, blocked or failed.';
COMMENT ON COLUMN mart.movie_health.collection_status IS 'How the last collection ended, imports among them; of several sources, of one that did not end well.';
COMMENT ON COLUMN mart.movie_health.hours_since_look IS 'Hours since then.';
