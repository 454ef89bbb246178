-- What a run asked of each model, how that ended and what it cost, how answers were read that were not
-- quite in the form, what stopped the run, and what went wrong most often.
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
       (SELECT jsonb_object_agg(l.leniency, l.n) FROM (
            SELECT leniency, count(*) AS n FROM ops.llm_calls, unnest(leniencies) leniency
            WHERE run_id = %(run_id)s AND model = c.model
            GROUP BY leniency) l) AS leniencies,
       min(c.sentence) FILTER (WHERE c.is_refusal) AS refusal,
       -- Whoever mended a run and took it up again got answers that can be used.
       coalesce(max(c.call_id) FILTER (WHERE c.outcome = 'unusable_answers')
                > coalesce(max(c.call_id) FILTER (WHERE c.outcome = 'scored'), 0), false)
           AS is_unusable,
       mode() WITHIN GROUP (ORDER BY c.sentence) AS trouble
FROM (SELECT *, coalesce(ops.is_refusal(outcome), false) AS is_refusal
      FROM ops.llm_calls WHERE run_id = %(run_id)s) c
GROUP BY c.model
ORDER BY c.model
