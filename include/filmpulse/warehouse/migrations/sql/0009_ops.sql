-- Tables of ops as of revision 0009; later revisions change them. `filmpulse setup` makes the roles,
-- since they belong to the server, not the database.
COMMENT ON SCHEMA ops IS 'Runs, checks and the gate of each host.';

CREATE TABLE ops.collections (
    collection_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id             text NOT NULL,
    source             text NOT NULL,
    imdb_id            text NOT NULL,
    mode               text NOT NULL CHECK (mode IN ('incremental', 'full', 'import')),
    status             text NOT NULL CHECK (status IN ('queued', 'running', 'complete', 'partial',
                           'gated', 'blocked', 'layout_changed', 'not_found', 'failed')),
    reason             text,
    sentence           text,
    queued_at          timestamptz NOT NULL DEFAULT now(),
    heartbeat_at       timestamptz NOT NULL DEFAULT now(),
    started_at         timestamptz,
    finished_at        timestamptz,
    review_count_start integer,
    review_count_end   integer,
    distinct_ids       integer,
    variant            text,
    manifest_uri       text,
    loaded_at          timestamptz,
    inserted_rows      integer,
    revised_rows       integer,
    updated_rows       integer,
    removed_rows       integer,
    UNIQUE (run_id, source, imdb_id)
);
CREATE INDEX collections_by_movie ON ops.collections (imdb_id, started_at DESC);
CREATE INDEX collections_ended ON ops.collections (imdb_id, finished_at DESC)
    WHERE finished_at IS NOT NULL;
CREATE INDEX collections_imported ON ops.collections (imdb_id, loaded_at) WHERE mode = 'import';
COMMENT ON TABLE ops.collections IS 'One row per movie and run: what was collected, how it ended and why.';
COMMENT ON COLUMN ops.collections.collection_id IS 'Our number for it.';
COMMENT ON COLUMN ops.collections.run_id IS 'Airflow''s run id, or cli__ and a time.';
COMMENT ON COLUMN ops.collections.source IS 'Where the reviews stand.';
COMMENT ON COLUMN ops.collections.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.collections.mode IS 'incremental, full, or import (from files).';
COMMENT ON COLUMN ops.collections.status IS 'queued, running, or how it ended.';
COMMENT ON COLUMN ops.collections.reason IS 'One stable word for why it did not end as complete.';
COMMENT ON COLUMN ops.collections.sentence IS 'The same for a person, with figures.';
COMMENT ON COLUMN ops.collections.queued_at IS 'When the run planned it (UTC).';
COMMENT ON COLUMN ops.collections.heartbeat_at IS 'Last sign of life (UTC).';
COMMENT ON COLUMN ops.collections.started_at IS 'Start of the try that wrote the manifest (UTC).';
COMMENT ON COLUMN ops.collections.finished_at IS 'End of scraping (UTC).';
COMMENT ON COLUMN ops.collections.review_count_start IS 'The site''s count on the first page.';
COMMENT ON COLUMN ops.collections.review_count_end IS 'The site''s count on the last page.';
COMMENT ON COLUMN ops.collections.distinct_ids IS 'Different reviews that were read.';
COMMENT ON COLUMN ops.collections.variant IS 'Markup variant and route that the parser met.';
COMMENT ON COLUMN ops.collections.manifest_uri IS 'Where in the lake the raw lines are.';
COMMENT ON COLUMN ops.collections.loaded_at IS 'When it was loaded (UTC); null when not.';
COMMENT ON COLUMN ops.collections.inserted_rows IS 'Reviews new to us.';
COMMENT ON COLUMN ops.collections.revised_rows IS 'Reviews whose words, stars, day or mark had changed.';
COMMENT ON COLUMN ops.collections.updated_rows IS 'Rows rewritten: revised, other votes, or seen again.';
COMMENT ON COLUMN ops.collections.removed_rows IS 'Reviews that were gone.';

CREATE TABLE ops.movie_checks (
    imdb_id         text PRIMARY KEY,
    checked_at      timestamptz NOT NULL,
    outcome         text NOT NULL,
    reason          text,
    sentence        text,
    review_count    integer,
    mode            text,
    triggered_run   text
);
COMMENT ON TABLE ops.movie_checks IS 'The detector''s last look at each movie.';
COMMENT ON COLUMN ops.movie_checks.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.movie_checks.checked_at IS 'When it was looked at (UTC).';
COMMENT ON COLUMN ops.movie_checks.outcome IS 'news, no_news, busy, not_found, layout_changed, blocked or failed.';
COMMENT ON COLUMN ops.movie_checks.reason IS 'One stable word.';
COMMENT ON COLUMN ops.movie_checks.sentence IS 'The same for a person.';
COMMENT ON COLUMN ops.movie_checks.review_count IS 'The site''s count then.';
COMMENT ON COLUMN ops.movie_checks.mode IS 'How to collect it, where there is news.';
COMMENT ON COLUMN ops.movie_checks.triggered_run IS 'The run of movie_reception that was asked for.';

CREATE TABLE ops.host_state (
    host            text PRIMARY KEY,
    next_request_at timestamptz NOT NULL DEFAULT now(),
    paused_until    timestamptz,
    strikes         integer NOT NULL DEFAULT 0,
    reason          text
);
COMMENT ON TABLE ops.host_state IS 'The one gate for every request to a host, from any worker.';
COMMENT ON COLUMN ops.host_state.host IS 'Host and port.';
COMMENT ON COLUMN ops.host_state.next_request_at IS 'No request before this (UTC).';
COMMENT ON COLUMN ops.host_state.paused_until IS 'The host asked for quiet until then (UTC).';
COMMENT ON COLUMN ops.host_state.strikes IS 'Refusals in a row; each doubles the pause.';
COMMENT ON COLUMN ops.host_state.reason IS 'Why it is paused.';

CREATE TABLE ops.source_terms (
    host        text PRIMARY KEY,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    clause      text NOT NULL
);
COMMENT ON TABLE ops.source_terms IS 'Conditions of use that switching a live source on has accepted.';
COMMENT ON COLUMN ops.source_terms.host IS 'The site.';
COMMENT ON COLUMN ops.source_terms.accepted_at IS 'When it was first used (UTC).';
COMMENT ON COLUMN ops.source_terms.clause IS 'The clause that was shown.';

-- Which collections are loaded, so that a late one is noticed and all can be replayed in order
-- (docs/adr/0015). A run's line in ops.collections describes its last try; a run that was tried twice
-- may have loaded two manifests.
CREATE TABLE ops.loads (
    manifest_uri  text PRIMARY KEY,
    source        text NOT NULL,
    imdb_id       text NOT NULL,
    collected_at  timestamptz NOT NULL,
    is_whole      boolean NOT NULL,
    loaded_at     timestamptz NOT NULL DEFAULT now(),
    inserted_rows integer NOT NULL,
    revised_rows  integer NOT NULL,
    updated_rows  integer NOT NULL,
    removed_rows  integer NOT NULL
);
CREATE INDEX loads_by_movie ON ops.loads (imdb_id, source, collected_at);
COMMENT ON TABLE ops.loads IS 'One row per collection that was loaded, and what it changed.';
COMMENT ON COLUMN ops.loads.manifest_uri IS 'Where in the lake it is.';
COMMENT ON COLUMN ops.loads.source IS 'Where the reviews stand.';
COMMENT ON COLUMN ops.loads.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.loads.collected_at IS 'Its start (UTC): the order in which collections count.';
COMMENT ON COLUMN ops.loads.is_whole IS 'Full and complete, so that what it lacked was gone.';
COMMENT ON COLUMN ops.loads.loaded_at IS 'When it was loaded (UTC).';
COMMENT ON COLUMN ops.loads.inserted_rows IS 'Reviews new to us.';
COMMENT ON COLUMN ops.loads.revised_rows IS 'Reviews whose words, stars, day or mark had changed.';
COMMENT ON COLUMN ops.loads.updated_rows IS 'Rows rewritten: revised, other votes, or seen again.';
COMMENT ON COLUMN ops.loads.removed_rows IS 'Reviews that were gone.';

-- What was erased on request (docs/adr/0016). The lake holds the same notes for a warehouse that is
-- restored from an older backup.
CREATE TABLE ops.erasures (
    kind      text NOT NULL CHECK (kind IN ('movie', 'review', 'author')),
    source    text NOT NULL,
    key       text NOT NULL,
    erased_at timestamptz NOT NULL,
    PRIMARY KEY (kind, source, key)
);
COMMENT ON TABLE ops.erasures IS 'What was erased on request, and must not come back; no name and no user id of a site.';
COMMENT ON COLUMN ops.erasures.kind IS 'movie, review or author.';
COMMENT ON COLUMN ops.erasures.source IS 'Where a review stands or an author writes; * for a movie, of which all sources are erased.';
COMMENT ON COLUMN ops.erasures.key IS 'The movie''s imdb_id, the review''s review_id, or the author''s author_key.';
COMMENT ON COLUMN ops.erasures.erased_at IS 'When it was asked for (UTC). Of a movie, what was seen later may be kept.';

CREATE TABLE ops.file_sources (
    source        text PRIMARY KEY,
    rights_note   text NOT NULL CHECK (rights_note <> ''),
    map           jsonb NOT NULL,
    first_used_at timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL
);
COMMENT ON TABLE ops.file_sources IS 'One row per source whose reviews come from files: on what ground they may be used.';
COMMENT ON COLUMN ops.file_sources.source IS 'The name that the user gave it; core.reviews.source has it too.';
COMMENT ON COLUMN ops.file_sources.rights_note IS 'The user''s own note on the right to use the files, as given last.';
COMMENT ON COLUMN ops.file_sources.map IS 'Which column was which field, as given last.';
COMMENT ON COLUMN ops.file_sources.first_used_at IS 'When a file of it was first imported (UTC).';
COMMENT ON COLUMN ops.file_sources.last_used_at IS 'When a file of it was last imported (UTC).';

-- Checks of what was loaded (docs/adr/0020). A verdict belongs to the collection that was loaded before
-- it; the sentence holds its figures.
CREATE TABLE ops.quality_checks (
    manifest_uri  text NOT NULL,
    check_name    text NOT NULL,
    source        text NOT NULL,
    imdb_id       text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    collected_at  timestamptz NOT NULL,
    passed        boolean,
    fails_run     boolean NOT NULL,
    figure        double precision,
    expected_low  double precision,
    expected_high double precision,
    n             integer NOT NULL CHECK (n >= 0),
    sentence      text NOT NULL,
    checked_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (manifest_uri, check_name),
    CHECK (NOT fails_run OR passed IS FALSE)
);
CREATE INDEX quality_checks_by_movie
    ON ops.quality_checks (imdb_id, source, check_name, collected_at DESC);
COMMENT ON TABLE ops.quality_checks IS 'One row per check and collection that was loaded: whether what was loaded looks as it should.';
COMMENT ON COLUMN ops.quality_checks.manifest_uri IS 'The collection: where in the lake it is.';
COMMENT ON COLUMN ops.quality_checks.check_name IS 'One stable word; the runbook says what each means.';
COMMENT ON COLUMN ops.quality_checks.source IS 'Where the reviews stand.';
COMMENT ON COLUMN ops.quality_checks.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.quality_checks.collected_at IS 'Start of the collection (UTC).';
COMMENT ON COLUMN ops.quality_checks.passed IS 'The verdict; null when there were too few to tell, or nothing to judge.';
COMMENT ON COLUMN ops.quality_checks.fails_run IS 'This collection brought the fault or more of it, so its run fails; false for one that only still stands.';
COMMENT ON COLUMN ops.quality_checks.figure IS 'What was found: a count, a share, or a ratio; the sentence says which.';
COMMENT ON COLUMN ops.quality_checks.expected_low IS 'The least that passes; null when any does.';
COMMENT ON COLUMN ops.quality_checks.expected_high IS 'The most that passes; null when any does.';
COMMENT ON COLUMN ops.quality_checks.n IS 'How many reviews the figure rests on.';
COMMENT ON COLUMN ops.quality_checks.sentence IS 'The verdict for a person, with the figures.';
COMMENT ON COLUMN ops.quality_checks.checked_at IS 'When it was judged (UTC).';

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

CREATE TABLE ops.host_hours (
    host     text NOT NULL,
    hour     timestamptz NOT NULL,
    requests integer NOT NULL DEFAULT 0,
    pauses   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (host, hour)
);
COMMENT ON TABLE ops.host_hours IS 'How much was asked of each host, by the hour.';
COMMENT ON COLUMN ops.host_hours.host IS 'Host and port.';
COMMENT ON COLUMN ops.host_hours.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN ops.host_hours.requests IS 'Pages and files asked for.';
COMMENT ON COLUMN ops.host_hours.pauses IS 'Times that it refused, which paused it.';
