-- What the run and the day (UTC) have spent, with what is set aside for calls whose cost is not known,
-- and what stopped the run, if something did.
SELECT coalesce(sum(coalesce(cost_usd, reserved_usd)) FILTER (WHERE run_id = %(run_id)s), 0) AS run_usd,
       coalesce(sum(coalesce(cost_usd, reserved_usd)) FILTER (WHERE started_at >= d.day), 0) AS day_usd,
       min(outcome) FILTER (WHERE run_id = %(run_id)s AND outcome IN
           ('key_refused', 'model_refused', 'quota_exhausted')) AS stop_outcome,
       min(sentence) FILTER (WHERE run_id = %(run_id)s AND outcome IN
           ('key_refused', 'model_refused', 'quota_exhausted')) AS stop_sentence
FROM ops.llm_calls, (SELECT date_trunc('day', now(), 'UTC') AS day) d
WHERE run_id = %(run_id)s OR started_at >= d.day
