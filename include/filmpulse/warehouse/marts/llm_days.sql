CREATE VIEW mart.llm_days AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day, model, prompt_version,
       -- A refusal without a key came before any review was sent.
       count(*) FILTER (WHERE key IS NOT NULL OR outcome IS NULL OR NOT ops.is_refusal(outcome))
           AS calls,
       count(*) FILTER (WHERE outcome = 'scored') AS scored,
       count(*) FILTER (WHERE outcome = 'refused') AS refused,
       count(*) FILTER (WHERE outcome = 'content_filter') AS content_filter,
       count(*) FILTER (WHERE outcome = 'truncated') AS truncated,
       count(*) FILTER (WHERE outcome = 'invalid') AS invalid,
       count(*) FILTER (WHERE outcome = 'rate_limited') AS rate_limited,
       count(*) FILTER (WHERE outcome = 'unavailable') AS unavailable,
       count(*) FILTER (WHERE outcome = 'timeout') AS timeout,
       count(*) FILTER (WHERE outcome = 'disconnected') AS disconnected,
       count(*) FILTER (WHERE outcome = 'malformed') AS malformed,
       count(*) FILTER (WHERE outcome = 'rejected') AS rejected,
       count(*) FILTER (WHERE outcome = 'key_refused') AS key_refused,
       count(*) FILTER (WHERE outcome = 'model_refused') AS model_refused,
       count(*) FILTER (WHERE outcome = 'quota_exhausted') AS quota_exhausted,
       count(*) FILTER (WHERE outcome IS NULL) AS unfinished,
       coalesce(sum(input_tokens), 0) AS input_tokens,
       coalesce(sum(cached_tokens), 0) AS cached_tokens,
       coalesce(sum(output_tokens), 0) AS output_tokens,
       coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens,
       coalesce(sum(cost_usd), 0) AS cost_usd,
       coalesce(sum(reserved_usd) FILTER (WHERE cost_usd IS NULL), 0) AS unsettled_usd,
       sum(quotes_given) AS quotes_given,
       sum(quotes_dropped) AS quotes_dropped
FROM ops.llm_calls
GROUP BY 1, 2, 3;
COMMENT ON VIEW mart.llm_days IS 'What models were asked each day, how it ended and what it cost; what was erased since is still counted.';
COMMENT ON COLUMN mart.llm_days.prompt_version IS 'Version of the prompt.';
COMMENT ON COLUMN mart.llm_days.refused IS 'The model would not answer.';
COMMENT ON COLUMN mart.llm_days.content_filter IS 'The provider''s filter stopped the answer.';
COMMENT ON COLUMN mart.llm_days.truncated IS 'The answer was longer than it may be.';
COMMENT ON COLUMN mart.llm_days.invalid IS 'The answer did not have the shape asked for.';
COMMENT ON COLUMN mart.llm_days.rate_limited IS 'Too many requests at once; sent again.';
COMMENT ON COLUMN mart.llm_days.unavailable IS 'The provider was down or overloaded; sent again.';
COMMENT ON COLUMN mart.llm_days.timeout IS 'No answer in time; sent again.';
COMMENT ON COLUMN mart.llm_days.disconnected IS 'The connection was lost; sent again.';
COMMENT ON COLUMN mart.llm_days.malformed IS 'The answer was no JSON; sent again.';
COMMENT ON COLUMN mart.llm_days.rejected IS 'The provider took the request for wrong.';
COMMENT ON COLUMN mart.llm_days.key_refused IS 'The key was refused, which stopped the run.';
COMMENT ON COLUMN mart.llm_days.model_refused IS 'The model was refused, which stopped the run.';
COMMENT ON COLUMN mart.llm_days.quota_exhausted IS 'The account had no money left, which stopped the run.';
COMMENT ON COLUMN mart.llm_days.unfinished IS 'Still running, or lost in a crash.';
COMMENT ON COLUMN mart.llm_days.cached_tokens IS 'Of these, read from the provider''s cache.';
COMMENT ON COLUMN mart.llm_days.reasoning_tokens IS 'Of these, spent on reasoning.';
