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
COMMENT ON COLUMN mart.collections.collection_id IS 'Our number for it.';
COMMENT ON COLUMN mart.collections.run_id IS 'Airflow''s run id, or cli__ and a time.';
COMMENT ON COLUMN mart.collections.mode IS 'incremental, full, import (from files), or stream.';
COMMENT ON COLUMN mart.collections.status IS 'queued, running, or how it ended.';
COMMENT ON COLUMN mart.collections.reason IS 'One stable word for why it did not end as complete.';
COMMENT ON COLUMN mart.collections.sentence IS 'The same for a person, with figures.';
COMMENT ON COLUMN mart.collections.started_at IS 'Start of the try that wrote the manifest (UTC).';
COMMENT ON COLUMN mart.collections.finished_at IS 'End of reading (UTC).';
COMMENT ON COLUMN mart.collections.site_reviews IS 'The site''s count on the last page.';
COMMENT ON COLUMN mart.collections.distinct_ids IS 'Different reviews that were read.';
COMMENT ON COLUMN mart.collections.variant IS 'Markup variant and route that the parser met.';
COMMENT ON COLUMN mart.collections.loaded_at IS 'When it was loaded (UTC); null when not.';
COMMENT ON COLUMN mart.collections.inserted_rows IS 'Reviews new to us.';
COMMENT ON COLUMN mart.collections.revised_rows IS 'Reviews whose words, stars, day or mark had changed.';
COMMENT ON COLUMN mart.collections.updated_rows IS 'Rows rewritten: revised, other votes, or seen again.';
COMMENT ON COLUMN mart.collections.removed_rows IS 'Reviews that were gone.';
COMMENT ON COLUMN mart.collections.movie IS 'Title and year of the movie; its id before its page was read.';
COMMENT ON COLUMN mart.collections.seen_at IS 'When it ended, or was queued while it has not (UTC).';
COMMENT ON COLUMN mart.collections.status_and_reason IS 'status, and after a colon the reason where there is one.';
