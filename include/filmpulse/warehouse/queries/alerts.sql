-- What is wrong at present, and what was told of it (docs/adr/0037).

-- name: alerts_turn
-- One worker at a time looks and tells, until its connection ends. After waiting for `patience`, this
-- statement alone gives up (55P03).
SELECT pg_advisory_lock(hashtextextended('alerts', 0))
FROM set_config('lock_timeout', %(patience)s, true)

-- name: alerts_found
-- What the tables show to be wrong now: a row for each movie, check or model that has the trouble.
-- What went wrong is tried again within a day (mart.cadences, collection_history), so what is older than two
-- days is of movies that are no longer tracked, or of lists that end elsewhere than the site's count: these are
-- read again when all is. A saved page does not replace a collection.
WITH collected AS (
    SELECT DISTINCT ON (imdb_id, source) imdb_id, source, status, reason, finished_at AS at,
           mart.ended_well(status, mode) AS is_well
    FROM ops.collections
    WHERE finished_at > now() - interval '2 days' AND mode <> 'import'
    ORDER BY imdb_id, source, finished_at DESC
), looked AS (
    SELECT imdb_id, source, outcome AS status, reason, checked_at AS at,
           outcome NOT IN ('not_found', 'layout_changed', 'blocked', 'failed') AS is_well
    FROM ops.movie_checks
    WHERE checked_at > now() - interval '2 days'
), answered AS (
    SELECT source, max(at) AS at
    FROM (SELECT source, at FROM looked WHERE is_well
          UNION ALL SELECT source, at FROM collected WHERE is_well) w
    GROUP BY source
), bad AS (
    SELECT DISTINCT ON (imdb_id, source) b.*
    FROM (SELECT * FROM collected WHERE NOT is_well
          UNION ALL
          SELECT k.* FROM looked k
          WHERE NOT k.is_well
            AND NOT EXISTS (SELECT FROM collected c
                            WHERE (c.imdb_id, c.source) = (k.imdb_id, k.source)
                              AND c.is_well AND c.at > k.at)) b
    LEFT JOIN answered a ON a.source = b.source
    -- A host that answered since then does not refuse any more.
    WHERE b.status <> 'blocked' OR a.at IS NULL OR a.at < b.at
    ORDER BY imdb_id, source, b.at DESC
)
SELECT CASE b.status WHEN 'blocked' THEN 'host_blocked' WHEN 'layout_changed' THEN 'layout_changed'
                     ELSE 'movie_failed' END AS cause,
       b.source || CASE WHEN b.status IN ('blocked', 'layout_changed') THEN ''
                        ELSE ' ' || b.status END AS subject,
       b.imdb_id, n.movie, coalesce(b.reason, b.status) AS detail
FROM bad b
LEFT JOIN mart.movie_names n USING (imdb_id)
UNION ALL
-- While a host rests, no movie is looked at.
SELECT 'host_blocked', s.source, NULL, NULL, h.reason
FROM ops.sources s JOIN ops.host_state h USING (host)
WHERE h.paused_until > now()
  AND NOT EXISTS (SELECT FROM bad b WHERE b.source = s.source AND b.status = 'blocked')
UNION ALL
SELECT 'check_failed', check_name, imdb_id, movie, source
FROM mart.failed_checks WHERE imdb_id IS NOT NULL
UNION ALL
SELECT 'budget_reached', a.model, m.imdb_id, n.movie, count(*) || ' waiting'
FROM core.review_analyses w
JOIN core.movies m ON (m.imdb_id, m.configured_analyser_id) = (w.imdb_id, w.analyser_id)
JOIN core.analysers a USING (analyser_id)
JOIN mart.current_reviews r USING (source, review_id, content_hash)
JOIN mart.movie_names n ON n.imdb_id = m.imdb_id
WHERE w.status = 'over_budget' AND r.body IS NOT NULL
GROUP BY a.model, m.imdb_id, n.movie
UNION ALL
SELECT 'model_unusable', f.model, NULL, NULL, f.outcome
FROM (SELECT call_id, model, outcome FROM ops.llm_calls
      WHERE ops.is_refusal(outcome) AND model = %(model)s::text
      ORDER BY call_id DESC LIMIT 1) f
WHERE NOT EXISTS (SELECT FROM ops.llm_calls s
                  WHERE s.call_id > f.call_id AND s.model = f.model AND s.outcome = 'scored')
ORDER BY 1, 2, 3

-- name: alerts_hosts
-- Hosts that refused when they were last asked.
SELECT host || ': ' || reason || ', asked for nothing before '
       || to_char(paused_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
FROM ops.host_state WHERE strikes > 0 ORDER BY host

-- name: alerts_explains
-- Whether what `alerts_found` tells of is why this run failed. `looked_since` is the start of a run of
-- the detector (null for other runs).
SELECT EXISTS (SELECT FROM ops.collections c
               WHERE c.run_id = %(run_id)s AND c.finished_at IS NOT NULL
                 AND NOT mart.ended_well(c.status, c.mode))
    OR EXISTS (SELECT FROM ops.collections c JOIN ops.quality_checks q USING (manifest_uri)
               WHERE c.run_id = %(run_id)s AND q.fails_run)
    OR EXISTS (SELECT FROM ops.llm_calls
               WHERE run_id = %(run_id)s AND ops.is_refusal(outcome))
    OR EXISTS (SELECT FROM ops.movie_checks
               WHERE checked_at >= %(looked_since)s::timestamptz
                 AND outcome IN ('layout_changed', 'blocked', 'failed'))
    OR EXISTS (SELECT FROM ops.host_state WHERE paused_until >= %(looked_since)s::timestamptz)

-- name: alerts_unsettled
-- What holds, or whose end is not told yet, in the order in which it was first seen.
SELECT alert_id, cause, subject, since, run_url, told_at, ended_at
FROM ops.alerts WHERE end_told_at IS NULL ORDER BY alert_id

-- name: alerts_begin
-- Note a cause. If it comes back before its end was told, it never ended.
INSERT INTO ops.alerts AS a (cause, subject, run_url) VALUES (%(cause)s, %(subject)s, %(run_url)s)
ON CONFLICT (cause, subject) WHERE end_told_at IS NULL DO UPDATE SET ended_at = NULL
WHERE a.ended_at IS NOT NULL

-- name: alerts_carry
-- Note what was told while the warehouse did not answer.
INSERT INTO ops.alerts (cause, subject, since, run_url, told_at)
VALUES (%(cause)s, %(subject)s, %(since)s, %(run_url)s, %(since)s)
ON CONFLICT DO NOTHING

-- name: alerts_end
-- Note that causes are over; forget those that were never told.
WITH untold AS (
    DELETE FROM ops.alerts WHERE alert_id = ANY(%(alert_ids)s) AND told_at IS NULL
)
UPDATE ops.alerts SET ended_at = now()
WHERE alert_id = ANY(%(alert_ids)s) AND told_at IS NOT NULL AND ended_at IS NULL

-- name: alerts_told
UPDATE ops.alerts SET told_at = now() WHERE alert_id = %(alert_id)s

-- name: alerts_end_told
-- What came back while its end was being told is told anew.
UPDATE ops.alerts SET end_told_at = CASE WHEN ended_at IS NOT NULL THEN now() END,
    told_at = CASE WHEN ended_at IS NOT NULL THEN told_at END
WHERE alert_id = %(alert_id)s

-- name: model_end
SELECT ends_on, asked_at < now() - interval '1 day' AS is_old
FROM ops.model_ends WHERE (host, model) = (%(host)s, %(model)s)

-- name: note_model_end
INSERT INTO ops.model_ends (host, model, ends_on) VALUES (%(host)s, %(model)s, %(ends_on)s)
ON CONFLICT (host, model) DO UPDATE SET
    ends_on = coalesce(excluded.ends_on, model_ends.ends_on), asked_at = now()
