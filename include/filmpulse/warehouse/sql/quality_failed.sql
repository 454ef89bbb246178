SELECT check_name, sentence, collected_at
FROM mart.quality_checks
WHERE imdb_id = %(imdb_id)s AND is_latest AND verdict = 'fail'
ORDER BY source, check_name
