-- What today (UTC) has cost, with what is set aside for calls whose cost is not known.
SELECT coalesce(sum(coalesce(cost_usd, reserved_usd)), 0) AS usd
FROM ops.llm_calls WHERE started_at >= date_trunc('day', now(), 'UTC')
