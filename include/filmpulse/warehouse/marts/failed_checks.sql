CREATE VIEW mart.failed_checks AS
WITH latest AS (
    SELECT c.imdb_id, c.source, c.check_name, judged.passed, judged.sentence, judged.checked_at
    FROM (SELECT DISTINCT imdb_id, source, check_name FROM ops.quality_checks) c
    LEFT JOIN LATERAL (
        SELECT * FROM ops.quality_checks q
        WHERE (q.imdb_id, q.source, q.check_name) = (c.imdb_id, c.source, c.check_name)
          AND q.passed IS NOT NULL
        ORDER BY q.collected_at DESC, q.manifest_uri DESC LIMIT 1
    ) judged ON true
)
SELECT l.imdb_id, n.movie, l.source, l.check_name, l.sentence, l.checked_at
FROM latest l
JOIN mart.movie_names n USING (imdb_id)
WHERE NOT l.passed
UNION ALL
SELECT NULL, 'all movies', NULL, 'none failed',
       count(passed) || ' checks passed, ' || count(*) - count(passed)
       || ' had too little to judge.', max(checked_at)
FROM latest
HAVING count(*) FILTER (WHERE NOT passed) = 0;
COMMENT ON VIEW mart.failed_checks IS 'One row per check of what was loaded that fails now; one row that says so when none does.';
