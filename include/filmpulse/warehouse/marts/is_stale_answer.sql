-- After an unreadable answer, a model is asked again about the text (docs/adr/0021).
CREATE FUNCTION mart.is_stale_answer(status text, finished_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(status = 'invalid' AND finished_at <= statement_timestamp() - interval '1 day', false);
COMMENT ON FUNCTION mart.is_stale_answer IS 'Whether a model may be asked again: it gave an unreadable answer, a day ago at least.';
