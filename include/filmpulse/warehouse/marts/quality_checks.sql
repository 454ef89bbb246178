CREATE VIEW mart.quality_checks AS
SELECT q.imdb_id, coalesce(m.original_title, m.title) AS title, q.source, q.check_name,
       CASE q.passed WHEN true THEN 'pass' WHEN false THEN 'fail' ELSE 'not judged' END
           AS verdict,
       q.sentence, q.figure, q.expected_low, q.expected_high, q.n, q.fails_run,
       q.collected_at, q.checked_at,
       -- A load that was too small to judge does not replace a verdict.
       row_number() OVER (
           PARTITION BY q.imdb_id, q.source, q.check_name
           ORDER BY q.passed IS NULL, q.collected_at DESC, q.manifest_uri DESC) = 1 AS is_latest,
       n.movie
FROM ops.quality_checks q
JOIN core.movies m USING (imdb_id)
JOIN mart.movie_names n USING (imdb_id);
COMMENT ON VIEW mart.quality_checks IS 'Whether what was loaded looks as it should: each check after each load, in words.';
COMMENT ON COLUMN mart.quality_checks.verdict IS 'pass, fail, or not judged (too few to tell, or nothing to judge).';
COMMENT ON COLUMN mart.quality_checks.collected_at IS 'Start of the collection after whose load it was judged (UTC).';
COMMENT ON COLUMN mart.quality_checks.is_latest IS 'The last verdict of this check for this movie and source; one that was not judged counts only where there is no other.';
