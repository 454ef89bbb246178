-- A refusal that was met before any review was sent: for five minutes it stops the run, and it is told,
-- like any other. A call without a key is none that was sent.
INSERT INTO ops.llm_calls (run_id, model, prompt_version, finished_at, outcome, reserved_usd, cost_usd,
    sentence)
SELECT %(run_id)s, %(model)s, %(prompt_version)s, clock_timestamp(), %(outcome)s, 0, 0, %(sentence)s
WHERE NOT EXISTS (
    SELECT FROM ops.llm_calls
    WHERE run_id = %(run_id)s AND outcome = %(outcome)s
      AND finished_at > clock_timestamp() - interval '5 minutes')
