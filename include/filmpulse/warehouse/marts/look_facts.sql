CREATE VIEW mart.look_facts AS
SELECT k.imdb_id, k.source, k.is_tracked, coalesce(s.kind = 'stream', false) AS is_stream, d.is_few,
       k.outcome AS look_outcome, o.asked_at, m.release_date, k.pace, k.checked_at AS looked_at
FROM ops.movie_checks k
LEFT JOIN ops.sources s ON s.source = k.source
LEFT JOIN core.movies m ON m.imdb_id = k.imdb_id
LEFT JOIN LATERAL (
    SELECT d.is_few FROM ops.detections d WHERE d.source = k.source
    ORDER BY d.started_at DESC LIMIT 1
) d ON true
LEFT JOIN LATERAL (
    -- The ids of the detector's own runs begin so.
    SELECT max(o.queued_at) AS asked_at FROM ops.collections o
    WHERE o.imdb_id = k.imdb_id AND o.mode <> 'import' AND NOT starts_with(o.run_id, 'detected__')
) o ON true;
COMMENT ON VIEW mart.look_facts IS 'One row per movie and source that was ever looked at: what its cadence is made from.';
COMMENT ON COLUMN mart.look_facts.source IS 'A site or a stream.';
COMMENT ON COLUMN mart.look_facts.is_tracked IS 'Whether the movie was tracked, and the source live, when the detector last began.';
COMMENT ON COLUMN mart.look_facts.is_stream IS 'Whether the source is a stream.';
COMMENT ON COLUMN mart.look_facts.is_few IS 'Whether the list was so short that every movie is due hourly; null for streams.';
COMMENT ON COLUMN mart.look_facts.look_outcome IS 'What the last look found: news, no_news, unfinished, busy, not_found, layout_changed, blocked or failed.';
COMMENT ON COLUMN mart.look_facts.asked_at IS 'When somebody last had the movie read by hand (UTC).';
COMMENT ON COLUMN mart.look_facts.pace IS 'By how many reviews a day the site''s count changed of late; null before two counts are known.';
