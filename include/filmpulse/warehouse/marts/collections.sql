CREATE VIEW mart.collections AS
SELECT c.collection_id, c.run_id, c.source, c.imdb_id, coalesce(m.original_title, m.title) AS title,
       c.mode, c.status, c.reason, c.sentence, c.started_at, c.finished_at,
       c.review_count_end AS site_reviews, c.distinct_ids, c.variant, c.loaded_at, c.inserted_rows,
       c.revised_rows, c.updated_rows, c.removed_rows,
       coalesce(n.movie, c.imdb_id) AS movie, coalesce(c.finished_at, c.queued_at) AS seen_at,
       c.status || coalesce(': ' || c.reason, '') AS status_and_reason
FROM ops.collections c
LEFT JOIN core.movies m USING (imdb_id)
LEFT JOIN mart.movie_names n USING (imdb_id);
COMMENT ON VIEW mart.collections IS 'Every collection: how it ended and why.';
COMMENT ON COLUMN mart.collections.sentence IS 'How it ended, for a person, with figures.';
COMMENT ON COLUMN mart.collections.site_reviews IS 'The site''s count on the last page.';
COMMENT ON COLUMN mart.collections.movie IS 'Title and year of the movie; its id before its page was read.';
COMMENT ON COLUMN mart.collections.seen_at IS 'When it ended, or was queued while it has not (UTC).';
COMMENT ON COLUMN mart.collections.status_and_reason IS 'status, and after a colon the reason where there is one.';
