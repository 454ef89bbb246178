-- A transaction may have waited for its turn, so the time is that of the statement. A stale answer makes
-- room for the next one.
INSERT INTO ops.llm_results AS r (key, content_hash, model, prompt_version, leased_until)
VALUES (%(key)s, %(content_hash)s, %(model)s, %(prompt_version)s,
        statement_timestamp() + make_interval(secs => %(lease_seconds)s))
ON CONFLICT (key) DO UPDATE
SET leased_until = excluded.leased_until, status = NULL, finished_at = NULL
WHERE mart.is_stale_answer(r.status, r.finished_at)
   OR (r.status IS NULL
       AND (r.leased_until <= statement_timestamp() OR r.leased_by = %(after)s::bigint))
RETURNING key
