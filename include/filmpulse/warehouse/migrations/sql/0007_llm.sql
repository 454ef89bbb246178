-- What a model was asked and what it cost (docs/adr/0021).
CREATE TABLE ops.llm_results (
    key                 text PRIMARY KEY CHECK (key ~ '^[0-9a-f]{64}$'),
    content_hash        text NOT NULL,
    model               text NOT NULL,
    prompt_version      text NOT NULL,
    leased_until        timestamptz,
    leased_by           bigint,
    status              text CHECK (status NOT IN ('failed', 'over_budget')),
    overall             smallint CHECK (overall BETWEEN -2 AND 2),
    overall_quote       text,
    overall_quote_start integer CHECK (overall_quote_start >= 0),
    aspects             jsonb NOT NULL DEFAULT '[]',
    finished_at         timestamptz,
    CHECK ((status IS NOT DISTINCT FROM 'scored') = (overall IS NOT NULL)),
    CHECK ((status IS NULL) = (leased_until IS NOT NULL)),
    CHECK ((status IS NULL) = (finished_at IS NULL))
);
CREATE INDEX llm_results_by_text ON ops.llm_results (content_hash);
COMMENT ON TABLE ops.llm_results IS 'One row per text and way of asking: the answer, so that none is paid for twice.';
COMMENT ON COLUMN ops.llm_results.key IS 'sha256 of the text, the prompt''s version, the schema, the model, effort, temperature and base URL.';
COMMENT ON COLUMN ops.llm_results.content_hash IS 'Which text, as in core.reviews; it finds what must be erased.';
COMMENT ON COLUMN ops.llm_results.model IS 'The model asked.';
COMMENT ON COLUMN ops.llm_results.prompt_version IS 'Version of the prompt.';
COMMENT ON COLUMN ops.llm_results.leased_until IS 'Until then nobody else may send this text (UTC); null once there is an answer.';
COMMENT ON COLUMN ops.llm_results.leased_by IS 'The call that holds the lease, or gave the answer.';
COMMENT ON COLUMN ops.llm_results.status IS 'scored, refused, content_filter, truncated or invalid; null while there is no answer.';
COMMENT ON COLUMN ops.llm_results.overall IS 'The whole review, -2 very negative to 2 very positive.';
COMMENT ON COLUMN ops.llm_results.overall_quote IS 'An exact piece of the text that decides it; null when dropped.';
COMMENT ON COLUMN ops.llm_results.overall_quote_start IS 'Its offset in code points in title, blank line, body.';
COMMENT ON COLUMN ops.llm_results.aspects IS 'What core.aspect_scores holds of it: aspect, score, quote, quote_start.';
COMMENT ON COLUMN ops.llm_results.finished_at IS 'When the answer came (UTC).';

CREATE TABLE ops.llm_calls (
    call_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key                text,
    run_id             text NOT NULL,
    imdb_id            text,
    model              text NOT NULL,
    prompt_version     text NOT NULL,
    started_at         timestamptz NOT NULL DEFAULT statement_timestamp(),
    finished_at        timestamptz,
    outcome            text,
    http_status        integer,
    request_id         text,
    service_tier       text,
    input_tokens       integer,
    cached_tokens      integer,
    cache_write_tokens integer,
    output_tokens      integer,
    reasoning_tokens   integer,
    reserved_usd       numeric(12, 8) NOT NULL CHECK (reserved_usd >= 0),
    cost_usd           numeric(12, 8) CHECK (cost_usd >= 0),
    quotes_given       integer NOT NULL DEFAULT 0,
    quotes_dropped     integer NOT NULL DEFAULT 0,
    sentence           text
);
CREATE INDEX llm_calls_by_run ON ops.llm_calls (run_id);
CREATE INDEX llm_calls_by_time ON ops.llm_calls (started_at);
CREATE INDEX llm_calls_by_key ON ops.llm_calls (key);
CREATE INDEX llm_calls_refused ON ops.llm_calls (run_id, call_id)
    WHERE outcome IN ('key_refused', 'model_refused', 'quota_exhausted');
COMMENT ON TABLE ops.llm_calls IS 'Every request to a model: what became of it and what it cost. Holds no text.';
COMMENT ON COLUMN ops.llm_calls.call_id IS 'Our number for it.';
COMMENT ON COLUMN ops.llm_calls.key IS 'The row of ops.llm_results; null once nobody holds its words.';
COMMENT ON COLUMN ops.llm_calls.run_id IS 'Airflow''s run id, or cli__ and a time.';
COMMENT ON COLUMN ops.llm_calls.imdb_id IS 'The movie; null once it was erased.';
COMMENT ON COLUMN ops.llm_calls.model IS 'The model asked.';
COMMENT ON COLUMN ops.llm_calls.prompt_version IS 'Version of the prompt.';
COMMENT ON COLUMN ops.llm_calls.started_at IS 'When it was sent (UTC).';
COMMENT ON COLUMN ops.llm_calls.finished_at IS 'When its end was written down (UTC); null while it runs, or was lost in a crash.';
COMMENT ON COLUMN ops.llm_calls.outcome IS 'How it ended; null while it runs, or was lost in a crash.';
COMMENT ON COLUMN ops.llm_calls.http_status IS 'HTTP status; null without an answer.';
COMMENT ON COLUMN ops.llm_calls.request_id IS 'The provider''s id of the request.';
COMMENT ON COLUMN ops.llm_calls.service_tier IS 'The tier that served it, which sets the price.';
COMMENT ON COLUMN ops.llm_calls.input_tokens IS 'Tokens read, cached and written to cache among them.';
COMMENT ON COLUMN ops.llm_calls.cached_tokens IS 'Of these, read from the provider''s cache.';
COMMENT ON COLUMN ops.llm_calls.cache_write_tokens IS 'Of these, written to it.';
COMMENT ON COLUMN ops.llm_calls.output_tokens IS 'Tokens written, reasoning among them.';
COMMENT ON COLUMN ops.llm_calls.reasoning_tokens IS 'Of these, spent on reasoning.';
COMMENT ON COLUMN ops.llm_calls.reserved_usd IS 'The most it could cost, set aside before it was sent (USD).';
COMMENT ON COLUMN ops.llm_calls.cost_usd IS 'What it cost (USD); null when unknown: then what was set aside counts.';
COMMENT ON COLUMN ops.llm_calls.quotes_given IS 'Quotes in the answer.';
COMMENT ON COLUMN ops.llm_calls.quotes_dropped IS 'Of these, not in the text, too short or too long.';
COMMENT ON COLUMN ops.llm_calls.sentence IS 'What went wrong, for a person.';

-- The same words may stand in several reviews: an answer about them is kept as long as one has them.
CREATE INDEX reviews_by_text ON core.reviews USING hash (content_hash);
CREATE INDEX review_revisions_by_text ON core.review_revisions USING hash (content_hash);
CREATE FUNCTION core.has_words(content_hash text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM core.reviews r
                   WHERE r.content_hash = has_words.content_hash
                     AND (r.title IS NOT NULL OR r.body IS NOT NULL))
        OR EXISTS (SELECT FROM core.review_revisions r
                   WHERE r.content_hash = has_words.content_hash
                     AND (r.title IS NOT NULL OR r.body IS NOT NULL));
COMMENT ON FUNCTION core.has_words IS 'Whether a review, or an earlier version of one, still has the words with this hash.';

ALTER TABLE core.review_analyses ADD COLUMN overall_quote text;
ALTER TABLE core.review_analyses ADD COLUMN overall_quote_start integer CHECK (overall_quote_start >= 0);
ALTER TABLE core.review_analyses
    ADD CHECK (overall_quote IS NULL OR overall_quote_start IS NOT NULL);
COMMENT ON COLUMN core.review_analyses.overall_quote IS 'An exact piece of the analysed text that decides the whole; null when there is none.';
COMMENT ON COLUMN core.review_analyses.overall_quote_start IS 'Its offset in code points in title, blank line, body.';
COMMENT ON COLUMN core.review_analyses.input_tokens IS 'Tokens read, of all requests for it; null where none are counted or another review of the same words had them paid.';
COMMENT ON COLUMN core.review_analyses.output_tokens IS 'Tokens written, likewise.';
COMMENT ON COLUMN core.review_analyses.cost_usd IS 'Price in USD, likewise.';
