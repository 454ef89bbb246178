-- What failed after loading these collections, the worst first.
SELECT q.manifest_uri, q.imdb_id, coalesce(m.original_title, m.title) AS title, q.check_name,
       q.fails_run, q.sentence
FROM ops.quality_checks q
JOIN core.movies m USING (imdb_id)
WHERE q.manifest_uri = ANY(%(manifest_uris)s) AND NOT q.passed
ORDER BY q.imdb_id, q.manifest_uri, q.fails_run DESC, q.check_name
