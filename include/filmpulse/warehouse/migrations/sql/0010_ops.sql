-- How answers were read that differ from the form, and what else stops a run (docs/adr/0028).
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
