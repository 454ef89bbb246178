-- What is needed to tell news from no news: the last finished (loaded) collection, the last full
-- attempt, the last attempt, whether older reviews may be missing, and the runs that may still be at work on the movie.
-- Imported files are none of these: they tell nothing of the site's list.
SELECT (SELECT to_jsonb(f) FROM (
            SELECT status, coalesce(review_count_end, review_count_start) AS review_count,
                   distinct_ids
            FROM ops.collections
            WHERE imdb_id = %(imdb_id)s AND loaded_at IS NOT NULL AND mode <> 'import'
              AND status IN ('complete', 'partial', 'gated')
            ORDER BY started_at DESC LIMIT 1) f) AS finished,
       -- The last one loaded broke off before its end. (A list that ended short of the site's own
       -- count has no gap: there was no more to read.)
       (SELECT status <> 'complete' AND reason IS DISTINCT FROM 'count_mismatch'
        FROM ops.collections
        WHERE imdb_id = %(imdb_id)s AND loaded_at IS NOT NULL AND mode <> 'import'
        ORDER BY started_at DESC LIMIT 1) AS has_gap,
       (SELECT max(coalesce(started_at, queued_at)) FROM ops.collections
        WHERE imdb_id = %(imdb_id)s AND mode = 'full') AS full_attempt_at,
       (SELECT max(coalesce(started_at, queued_at)) FROM ops.collections
        WHERE imdb_id = %(imdb_id)s AND mode <> 'import') AS attempt_at,
       ARRAY(SELECT run_id FROM ops.collections
             WHERE imdb_id = %(imdb_id)s AND status IN ('queued', 'running')
               AND heartbeat_at > now() - interval '30 minutes') AS fresh_runs,
       ARRAY(SELECT run_id FROM ops.collections
             WHERE imdb_id = %(imdb_id)s AND status IN ('queued', 'running')
             UNION
             SELECT triggered_run FROM ops.movie_checks
             WHERE imdb_id = %(imdb_id)s AND triggered_run IS NOT NULL) AS open_runs
