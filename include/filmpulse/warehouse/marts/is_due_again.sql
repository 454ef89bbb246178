CREATE FUNCTION mart.is_due_again(status text, content_hash text, analyser_id integer) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(status = 'invalid' AND NOT EXISTS (
        SELECT FROM core.analysers a
        JOIN ops.llm_results r USING (model, prompt_version)
        WHERE a.analyser_id = is_due_again.analyser_id AND r.content_hash = is_due_again.content_hash
          AND r.status = 'invalid' AND NOT mart.is_stale_answer(r.status, r.finished_at)), false);
COMMENT ON FUNCTION mart.is_due_again IS 'Whether a review whose answer was unreadable is to be asked about again.';
