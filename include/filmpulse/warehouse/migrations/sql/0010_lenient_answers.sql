-- How answers are read that are not quite in the form, and what else stops a run (docs/adr/0028).
ALTER TABLE ops.llm_calls ADD COLUMN leniencies text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN ops.llm_calls.leniencies IS 'How a scored answer differed from the form asked for, such as code_fence; empty where it did not.';

COMMENT ON COLUMN ops.llm_results.key IS 'sha256 of the text, the prompt''s version, the schema, the model, effort, temperature and base URL, and of an answer format that is not the provider''s own.';

CREATE FUNCTION ops.is_refusal(outcome text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN outcome IN ('key_refused', 'model_refused', 'quota_exhausted', 'unsafe_certificate',
                       'not_an_api', 'unusable_answers');
COMMENT ON FUNCTION ops.is_refusal IS 'Whether a call, or a note in its place, stops all tasks of its run.';

DROP INDEX ops.llm_calls_refused;
CREATE INDEX llm_calls_refused ON ops.llm_calls (run_id, call_id) WHERE ops.is_refusal(outcome);

CREATE OR REPLACE VIEW mart.llm_days AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day, model, prompt_version,
       -- A refusal without a key was met before any review was sent.
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
