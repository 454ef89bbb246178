-- Each arm names states that are true of the movie; the first in the order of `mart.states` counts. What
-- has to be counted is counted only for movies in that state.
CREATE VIEW mart.movie_states AS
WITH scored AS MATERIALIZED (
    -- How Postgres shows the two halves of the key of an advisory lock.
    SELECT classid::bigint << 32 | objid::bigint AS key
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT n.imdb_id, coalesce(l.movie, n.imdb_id) AS movie, w.state, w.source, w.reason, w.sentence, w.done, w.total, w.until,
       w.unreadable, c.waiting_reviews, w.run_id, w.since
FROM mart.asked_movies n
LEFT JOIN core.movies m USING (imdb_id)
LEFT JOIN mart.movie_names l USING (imdb_id)
LEFT JOIN mart.review_figures c USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT CASE o.status WHEN 'queued' THEN 'queued' ELSE 'collecting' END AS state, o.source,
               NULL AS reason, NULL AS sentence, o.distinct_ids AS done, o.review_count_end AS total,
               NULL::timestamptz AS until, NULL::bigint AS unreadable, o.run_id, o.queued_at AS since
        FROM ops.collections o
        WHERE o.imdb_id = n.imdb_id AND o.loaded_at IS NULL AND o.mode <> 'import'
          AND CASE o.status
                  WHEN 'running' THEN mart.is_alive(o.heartbeat_at)
                  -- Movies of one run wait for each other.
                  WHEN 'queued' THEN EXISTS (
                      SELECT FROM ops.collections r
                      WHERE r.run_id = o.run_id AND mart.is_alive(r.heartbeat_at))
                  -- Read, and about to be loaded.
                  ELSE mart.is_alive(o.heartbeat_at)
                       AND (o.distinct_ids > 0 OR mart.ended_well(o.status, o.mode)) END
        UNION ALL
        -- Asked for, and not planned yet.
        SELECT 'queued', v.source, NULL, NULL, NULL, NULL, NULL, NULL, v.triggered_run, v.looked_at
        FROM mart.movie_visits v
        WHERE v.imdb_id = n.imdb_id AND v.triggered_run IS NOT NULL AND mart.is_alive(v.looked_at)
          AND NOT EXISTS (SELECT FROM ops.collections o
                          WHERE (o.run_id, o.imdb_id) = (v.triggered_run, n.imdb_id))
        UNION ALL
        SELECT 'scoring', NULL, NULL, NULL, p.done, p.total, NULL, NULL,
               (SELECT a.run_id FROM ops.llm_calls a
                WHERE a.imdb_id = n.imdb_id AND mart.is_alive(a.started_at)
                ORDER BY a.started_at DESC LIMIT 1), NULL
        FROM (
            SELECT count(*) AS total, count(*) FILTER (WHERE mart.is_final(a.status)) AS done
            FROM mart.current_reviews r
            LEFT JOIN core.review_analyses a
                   ON (a.imdb_id, a.source, a.review_id, a.content_hash, a.analyser_id)
                    = (r.imdb_id, r.source, r.review_id, r.content_hash,
                       coalesce(m.configured_analyser_id, m.active_analyser_id))
            WHERE r.imdb_id = n.imdb_id
        ) p
        WHERE mart.scoring_key(n.imdb_id) IN (SELECT key FROM scored)
        UNION ALL
        SELECT 'paused', v.source, v.pause_reason, NULL, NULL, NULL, v.paused_until, NULL, NULL, NULL
        FROM mart.movie_visits v
        WHERE v.imdb_id = n.imdb_id AND v.paused_until IS NOT NULL
          AND coalesce(v.looked_at, v.collected_at) IS NOT NULL
        UNION ALL
        SELECT v.collection_status, v.source, v.collection_reason, v.collection_sentence, NULL, NULL, NULL,
               g.unreadable, v.run_id, v.collected_at
        FROM mart.movie_visits v
        LEFT JOIN LATERAL (
            SELECT b.site_reviews - b.reviews AS unreadable FROM mart.movie_sources b
            WHERE (b.imdb_id, b.source) = (n.imdb_id, v.source) AND v.collection_status = 'gated'
        ) g ON true
        WHERE v.imdb_id = n.imdb_id AND v.collection_status NOT IN ('complete', 'drained')
          -- What a visitor is not shown may have come from saved pages.
          AND NOT (v.collection_status = 'gated' AND coalesce(g.unreadable <= 0, false))
        UNION ALL
        SELECT v.look_outcome, v.source, v.look_reason, v.look_sentence, NULL, NULL, NULL, NULL, NULL,
               v.looked_at
        FROM mart.movie_visits v
        WHERE v.imdb_id = n.imdb_id AND v.looked_at > coalesce(v.collected_at, '-infinity')
          AND v.look_outcome IN ('layout_changed', 'blocked', 'not_found', 'failed')
        UNION ALL
        SELECT CASE WHEN a.last_at IS NULL THEN 'never'
                    -- It is looked at in the hour after it is due.
                    WHEN a.last_at < now() - interval '2 hours'
                         AND coalesce(d.due_at < now() - interval '1 hour', true) THEN 'stale'
                    ELSE 'fresh' END,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, a.last_at
        FROM (
            SELECT max(greatest(v.looked_at, v.collected_at)) AS last_at FROM mart.movie_visits v
            WHERE v.imdb_id = n.imdb_id
        ) a
        CROSS JOIN (SELECT max(due_at) AS due_at FROM mart.looks(now()) WHERE imdb_id = n.imdb_id) d
    ) true_of_it
    ORDER BY array_position(mart.states(), state), since DESC NULLS LAST, source
    LIMIT 1
) w;
COMMENT ON VIEW mart.movie_states IS 'One row per movie: how it stands just now.';
COMMENT ON COLUMN mart.movie_states.movie IS 'Title and year of the movie; its id before its page was read.';
COMMENT ON COLUMN mart.movie_states.state IS 'collecting, queued, scoring, paused, layout_changed, blocked, not_found, failed, partial, gated, never (looked at), stale (its next look is more than an hour late), or fresh: the first that is true of it.';
COMMENT ON COLUMN mart.movie_states.source IS 'Whose collection, look or pause it is; null for the other states.';
COMMENT ON COLUMN mart.movie_states.reason IS 'One stable word for why it ended badly or is paused.';
COMMENT ON COLUMN mart.movie_states.sentence IS 'How the last collection or look ended, for a person; null unless it ended badly or gated.';
COMMENT ON COLUMN mart.movie_states.done IS 'While collecting: reviews read so far; while scoring: reviews that the configured analyser is done with.';
COMMENT ON COLUMN mart.movie_states.total IS 'While collecting: the site''s count; while scoring: current reviews.';
COMMENT ON COLUMN mart.movie_states.until IS 'End of the pause (UTC).';
COMMENT ON COLUMN mart.movie_states.unreadable IS 'While gated: reviews of the site that we do not hold.';
COMMENT ON COLUMN mart.movie_states.run_id IS 'The run at work, or the one that ended so; null when not known.';
COMMENT ON COLUMN mart.movie_states.since IS 'When it was queued, ended so, or was last looked at (UTC).';
