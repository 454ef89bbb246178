INSERT INTO ops.quality_checks (manifest_uri, check_name, source, imdb_id, collected_at, passed,
    fails_run, figure, expected_low, expected_high, n, sentence)
VALUES (%(manifest_uri)s, %(name)s, %(source)s, %(imdb_id)s, %(collected_at)s, %(passed)s,
    %(fails_run)s, %(figure)s, %(low)s, %(high)s, %(n)s, %(sentence)s)
ON CONFLICT (manifest_uri, check_name) DO UPDATE SET
    passed = excluded.passed, fails_run = excluded.fails_run, figure = excluded.figure,
    expected_low = excluded.expected_low, expected_high = excluded.expected_high, n = excluded.n,
    sentence = excluded.sentence, checked_at = now()
