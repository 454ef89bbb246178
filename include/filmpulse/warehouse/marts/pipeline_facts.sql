CREATE VIEW mart.pipeline_facts AS
WITH health AS (
    SELECT count(*) AS movies, count(*) - count(reviews) AS uncounted, sum(reviews) AS reviews, sum(known_reviews) AS known,
           sum(reviews) FILTER (WHERE known_reviews IS NOT NULL) AS counted,
           sum(waiting_reviews) AS waiting
    FROM mart.movie_health
), looks AS (
    SELECT count(*) AS tracked, count(*) FILTER (WHERE overdue_hours <= 1) AS in_time,
           max(overdue_hours) AS overdue_hours
    FROM (SELECT imdb_id, max(overdue_hours) AS overdue_hours FROM mart.movie_looks
          WHERE is_tracked GROUP BY imdb_id) l
), gate AS (
    SELECT sum(requests) AS requests, sum(requests_allowed) AS allowed, sum(looks) AS looks,
           sum(looks_wanted) AS wanted
    FROM mart.look_budget WHERE requests_allowed IS NOT NULL
), ran AS (
    SELECT count(*) AS collections, count(*) FILTER (WHERE mart.ended_well(status, mode)) AS well
    FROM ops.collections
    WHERE finished_at > now() - interval '7 days'
), paused AS (
    SELECT count(*) AS hosts, min(host) AS host FROM ops.host_state WHERE paused_until > now()
), spent AS (
    SELECT sum(coalesce(cost_usd, reserved_usd)) AS usd, count(*) AS calls FROM ops.llm_calls
    WHERE started_at > now() - interval '30 days'
)
SELECT 1 AS position, 'Movies looked at in time' AS fact,
       in_time || ' of ' || tracked AS value,
       CASE WHEN movies = 0 AND tracked = 0
                THEN 'No movie is known yet: add one to the Variable tracked_movies.'
            WHEN tracked = 0
                THEN 'None was looked at: live reading is off, or detect_new_reviews does not run.'
            WHEN overdue_hours <= 1 THEN 'Each as often as its cadence says.'
            ELSE 'The longest overdue by ' || CASE WHEN overdue_hours < 48
                     THEN round(overdue_hours::numeric, 1) || ' hours.'
                     ELSE round(overdue_hours::numeric / 24, 1) || ' days.' END END AS meaning
FROM health, looks
UNION ALL
SELECT 2, 'Reviews held', to_char(coalesce(reviews, 0), 'FM999,999,999'),
       CASE WHEN uncounted > 0
                THEN 'Without ' || uncounted || CASE uncounted WHEN 1 THEN ' movie' ELSE ' movies' END
                     || ' not counted yet: `filmpulse setup` does it.'
            WHEN known > 0 THEN round(100 * counted / known, 1) || ' % of the '
                 || to_char(known, 'FM999,999,999') || ' that are known to exist.'
            ELSE 'How many there are is not known.' END
FROM health
UNION ALL
SELECT 3, 'Collections that went well, 7 days', well || ' of ' || collections,
       'Complete, drained or imported, or gated: all that a visitor is shown.'
FROM ran
UNION ALL
SELECT 4, 'Reviews that wait to be scored', to_char(coalesce(waiting, 0), 'FM999,999,999'),
       'analyse_backlog takes them up every day.'
FROM health
UNION ALL
SELECT 5, 'Hosts that asked for quiet', hosts::text,
       CASE WHEN hosts = 0 THEN 'None is paused.' ELSE host || ', among them.' END
FROM paused
UNION ALL
SELECT 6, 'Spent on models, 30 days', to_char(coalesce(usd, 0), 'FM$999,990.0000'),
       CASE WHEN calls = 0 THEN 'No model was asked: the keyless analyser costs nothing.'
            ELSE to_char(calls, 'FM999,999,999') || ' requests; those of unknown cost at their most.'
       END
FROM spent
UNION ALL
SELECT 7, 'Last backup',
       mart.time_ago(newest.taken_at),
       CASE WHEN last.status = 'failed' THEN 'The last try failed (' || last.reason || '): ops.backups says more.'
            WHEN newest.backup_id IS NULL AND EXISTS (SELECT FROM ops.backups WHERE status = 'running')
                THEN 'The first is under way.'
            WHEN newest.backup_id IS NULL
                THEN 'None was made: is FILMPULSE_BACKUP_URL set, does warehouse_backup run?'
            ELSE 'Read back and whole: ' || to_char(newest.rows, 'FM999,999,999,999') || ' rows in '
                 || round(newest.stored_bytes / 1e6, 1) || ' MB.' END
FROM (SELECT 1) one
LEFT JOIN (SELECT * FROM ops.backups WHERE status = 'verified' ORDER BY taken_at DESC LIMIT 1) newest
       ON true
LEFT JOIN (SELECT * FROM ops.backups WHERE status <> 'running' ORDER BY started_at DESC LIMIT 1) last
       ON true
UNION ALL
SELECT 8, 'Last restore drill',
       mart.time_ago(drill.finished_at) || CASE WHEN drill.status = 'failed' THEN ', failed' ELSE '' END,
       CASE WHEN drill.drill_id IS NULL THEN 'The newest backup is brought back every Sunday, to try it.'
            WHEN drill.status = 'failed' THEN 'It failed (' || drill.reason || '): ops.restore_drills says more.'
            ELSE to_char(drill.rows, 'FM999,999,999,999') || ' rows came back as they were saved.' END
FROM (SELECT 1) one
LEFT JOIN (SELECT * FROM ops.restore_drills ORDER BY finished_at DESC LIMIT 1) drill ON true
UNION ALL
SELECT 9, 'Share of allowed requests, 24 hours',
       coalesce(round(100 * requests / nullif(allowed, 0)::numeric) || ' %', 'none'),
       CASE WHEN allowed IS NULL THEN 'No site was asked with a gap between requests.'
            ELSE to_char(looks, 'FM999,999,999') || ' looks and '
                 || to_char(greatest(requests - looks, 0), 'FM999,999,999')
                 || ' other requests; all looks in time would be '
                 || round(100 * wanted::numeric / nullif(allowed, 0)::numeric) || ' %.' END
FROM gate;
COMMENT ON VIEW mart.pipeline_facts IS 'One row per question that an operator asks first.';
COMMENT ON COLUMN mart.pipeline_facts.position IS 'Their order.';
COMMENT ON COLUMN mart.pipeline_facts.fact IS 'The question.';
COMMENT ON COLUMN mart.pipeline_facts.value IS 'The answer.';
COMMENT ON COLUMN mart.pipeline_facts.meaning IS 'What to make of it.';
