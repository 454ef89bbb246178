-- What may keep a text from being sent, besides a lease: that nobody holds its words any more, a refusal
-- that this run met in the last five minutes, and the budgets of the run and of the day (UTC). A call
-- whose cost is not known counts with what was set aside for it.
SELECT NOT core.has_words(%(content_hash)s) AS is_erased,
       refusal.outcome AS refusal, refusal.sentence AS refusal_sentence,
       coalesce(run.usd, 0) + most.usd > round(%(run_usd)s::numeric, 8) AS is_over_run_budget,
       coalesce(day.usd, 0) + most.usd > round(%(day_usd)s::numeric, 8) AS is_over_day_budget
FROM (SELECT round(%(most_usd)s::numeric, 8) AS usd) most
CROSS JOIN (
    SELECT sum(coalesce(cost_usd, reserved_usd)) AS usd FROM ops.llm_calls
    WHERE run_id = %(run_id)s
) run
CROSS JOIN (
    SELECT sum(coalesce(cost_usd, reserved_usd)) AS usd FROM ops.llm_calls
    WHERE started_at >= date_trunc('day', statement_timestamp(), 'UTC')
) day
LEFT JOIN LATERAL (
    SELECT outcome, sentence FROM ops.llm_calls
    WHERE run_id = %(run_id)s AND ops.is_refusal(outcome)
      AND finished_at > statement_timestamp() - interval '5 minutes'
    ORDER BY call_id LIMIT 1
) refusal ON true
