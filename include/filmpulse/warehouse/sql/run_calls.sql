-- What a run asked of each model, how that ended and what it cost, what stopped the run, and what went
-- wrong most often.
SELECT c.model,
       -- A refusal without a key was met before any review was sent.
       count(*) FILTER (WHERE c.key IS NOT NULL OR c.outcome IS NULL OR NOT c.is_refusal) AS calls,
       coalesce(sum(c.input_tokens), 0) AS input_tokens,
       coalesce(sum(c.cached_tokens), 0) AS cached_tokens,
       coalesce(sum(c.output_tokens), 0) AS output_tokens,
       coalesce(sum(c.cost_usd), 0) AS cost_usd,
       count(*) FILTER (WHERE c.cost_usd IS NULL) AS unsettled,
       coalesce(sum(c.reserved_usd) FILTER (WHERE c.cost_usd IS NULL), 0) AS unsettled_usd,
       max(c.reserved_usd) AS most_reserved_usd,
       sum(c.quotes_given) AS quotes_given, sum(c.quotes_dropped) AS quotes_dropped,
       (SELECT jsonb_object_agg(o.outcome, o.n) FROM (
            SELECT outcome, count(*) AS n FROM ops.llm_calls
            WHERE run_id = %(run_id)s AND model = c.model AND outcome <> 'scored'
              AND key IS NOT NULL
            GROUP BY outcome) o) AS outcomes,
       min(c.sentence) FILTER (WHERE c.is_refusal) AS refusal,
       mode() WITHIN GROUP (ORDER BY c.sentence) AS trouble
FROM (SELECT *, coalesce(outcome IN ('key_refused', 'model_refused', 'quota_exhausted'), false)
                AS is_refusal
      FROM ops.llm_calls WHERE run_id = %(run_id)s) c
GROUP BY c.model
ORDER BY c.model
