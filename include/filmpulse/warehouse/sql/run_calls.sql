-- What a run asked of each model, what that cost, and what stopped it.
SELECT model,
       -- A refusal without a key was met before any review was sent.
       count(*) FILTER (WHERE key IS NOT NULL OR outcome IS NULL OR outcome NOT IN
           ('key_refused', 'model_refused', 'quota_exhausted')) AS calls,
       coalesce(sum(input_tokens), 0) AS input_tokens,
       coalesce(sum(cached_tokens), 0) AS cached_tokens,
       coalesce(sum(output_tokens), 0) AS output_tokens,
       coalesce(sum(cost_usd), 0) AS cost_usd,
       count(*) FILTER (WHERE cost_usd IS NULL) AS unsettled,
       coalesce(sum(reserved_usd) FILTER (WHERE cost_usd IS NULL), 0) AS unsettled_usd,
       sum(quotes_given) AS quotes_given, sum(quotes_dropped) AS quotes_dropped,
       min(sentence) FILTER (WHERE outcome IN
           ('key_refused', 'model_refused', 'quota_exhausted')) AS refusal
FROM ops.llm_calls
WHERE run_id = %(run_id)s
GROUP BY model
ORDER BY model
