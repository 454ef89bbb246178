WITH began AS (
    INSERT INTO ops.llm_calls (key, run_id, imdb_id, model, prompt_version, reserved_usd)
    VALUES (%(key)s, %(run_id)s, %(imdb_id)s, %(model)s, %(prompt_version)s, %(most_usd)s)
    RETURNING call_id, key
), leased AS (
    UPDATE ops.llm_results r SET leased_by = b.call_id FROM began b WHERE r.key = b.key
)
SELECT call_id FROM began
