-- What may keep a text from being sent, besides a lease: that nobody holds its words any more, a refusal
-- that this run met in the last five minutes, and the budgets of the run and of the day (UTC). A call
-- whose cost is not known counts with what was set aside for it.
SELECT NOT core.has_words(%(content_hash)s) AS is_erased,
       refusal.outcome AS refusal, refusal.sentence AS refusal_sentence,
       run_usd + most_usd > round(%(run_usd)s::numeric, 8) AS is_over_run_budget,
       day_usd + most_usd > round(%(day_usd)s::numeric, 8) AS is_over_day_budget
FROM (
    SELECT coalesce(sum(coalesce(cost_usd, reserved_usd)) FILTER (WHERE run_id = %(run_id)s), 0)
               AS run_usd,
           coalesce(sum(coalesce(cost_usd, reserved_usd)) FILTER (
               WHERE started_at >= date_trunc('day', statement_timestamp(), 'UTC')), 0) AS day_usd,
           round(%(most_usd)s::numeric, 8) AS most_usd,
           min(call_id) FILTER (
               WHERE run_id = %(run_id)s
                 AND outcome IN ('key_refused', 'model_refused', 'quota_exhausted')
                 AND finished_at > statement_timestamp() - interval '5 minutes') AS refused_call
    FROM ops.llm_calls
    WHERE run_id = %(run_id)s
       OR started_at >= date_trunc('day', statement_timestamp(), 'UTC')
) spent
LEFT JOIN ops.llm_calls refusal ON refusal.call_id = spent.refused_call
