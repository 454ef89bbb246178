-- A source has a row for each movie, so that keys find its last collection.
CREATE VIEW mart.movie_visits AS
SELECT m.imdb_id, s.source, k.checked_at AS looked_at, k.outcome AS look_outcome,
       k.reason AS look_reason, k.sentence AS look_sentence, k.triggered_run,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at, o.run_id, s.host,
       CASE WHEN h.paused_until > now() THEN h.paused_until END AS paused_until,
       CASE WHEN h.paused_until > now() THEN h.reason END AS pause_reason
FROM mart.asked_movies m
CROSS JOIN ops.sources s
LEFT JOIN ops.host_state h USING (host)
LEFT JOIN ops.movie_checks k ON (k.imdb_id, k.source) = (m.imdb_id, s.source)
LEFT JOIN LATERAL (
    SELECT * FROM ops.collections o
    WHERE (o.imdb_id, o.source) = (m.imdb_id, s.source)
      AND o.finished_at IS NOT NULL AND o.mode <> 'import'
    ORDER BY o.finished_at DESC LIMIT 1
) o ON true;
COMMENT ON VIEW mart.movie_visits IS 'One row per movie and live source: how its last look and its last collection went; imports are none.';
COMMENT ON COLUMN mart.movie_visits.source IS 'A site or a stream.';
COMMENT ON COLUMN mart.movie_visits.look_outcome IS 'What the last look found: news, no_news, unfinished, busy, not_found, layout_changed, blocked or failed.';
COMMENT ON COLUMN mart.movie_visits.look_reason IS 'One stable word.';
COMMENT ON COLUMN mart.movie_visits.look_sentence IS 'The same for a person.';
COMMENT ON COLUMN mart.movie_visits.triggered_run IS 'The run that was asked for after a look with news.';
COMMENT ON COLUMN mart.movie_visits.collection_status IS 'How the last collection of the source ended.';
COMMENT ON COLUMN mart.movie_visits.run_id IS 'The run of that collection.';
COMMENT ON COLUMN mart.movie_visits.host IS 'Host and port of the source, as last visited; null before.';
COMMENT ON COLUMN mart.movie_visits.paused_until IS 'The host asked for quiet until then (UTC); null when it is not paused now.';
COMMENT ON COLUMN mart.movie_visits.pause_reason IS 'Why it is paused.';
