-- Roles are made by `filmpulse setup` (roles.sql), since they belong to the server, not the database.
CREATE SCHEMA core;
CREATE SCHEMA mart;
COMMENT ON SCHEMA core IS 'Tables: one row per real thing.';
COMMENT ON SCHEMA mart IS 'Views: all that Superset may read.';
COMMENT ON SCHEMA ops IS 'Runs, checks and the gate of each host.';

CREATE TABLE core.analysers (
    analyser_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL,
    model          text,
    prompt_version text NOT NULL,
    parameters     jsonb NOT NULL DEFAULT '{}',
    UNIQUE NULLS NOT DISTINCT (kind, model, prompt_version, parameters)
);
COMMENT ON TABLE core.analysers IS 'What can make scores; two that differ in anything are never mixed.';
COMMENT ON COLUMN core.analysers.analyser_id IS 'Our number for it.';
COMMENT ON COLUMN core.analysers.kind IS 'lexicon or llm.';
COMMENT ON COLUMN core.analysers.model IS 'The model''s name; null for the lexicon.';
COMMENT ON COLUMN core.analysers.prompt_version IS 'Version of the prompt, or of the lexicon.';
COMMENT ON COLUMN core.analysers.parameters IS 'Whatever else changes its answers.';

CREATE TABLE core.movies (
    imdb_id            text PRIMARY KEY CHECK (imdb_id ~ '^tt[0-9]{7,9}$'),
    title              text NOT NULL,
    original_title     text,
    year               integer,
    release_date       date,
    runtime_minutes    integer,
    genres             text[] NOT NULL DEFAULT '{}',
    directors          text[] NOT NULL DEFAULT '{}',
    cast_names         text[] NOT NULL DEFAULT '{}',
    plot               text,
    poster_url         text,
    facts_as_of        timestamptz NOT NULL,
    active_analyser_id integer REFERENCES core.analysers
);
COMMENT ON TABLE core.movies IS 'One row per movie that was ever looked at.';
COMMENT ON COLUMN core.movies.imdb_id IS 'IMDb''s id, such as tt0111161.';
COMMENT ON COLUMN core.movies.title IS 'The title as the site showed it; follows the reader''s country.';
COMMENT ON COLUMN core.movies.original_title IS 'The original title, the same for every reader.';
COMMENT ON COLUMN core.movies.year IS 'Year of release.';
COMMENT ON COLUMN core.movies.release_date IS 'Day of release in the reader''s country.';
COMMENT ON COLUMN core.movies.runtime_minutes IS 'Running time in minutes.';
COMMENT ON COLUMN core.movies.genres IS 'Genres in the site''s order.';
COMMENT ON COLUMN core.movies.directors IS 'Directors in the site''s order.';
COMMENT ON COLUMN core.movies.cast_names IS 'The cast that the page names, in its order.';
COMMENT ON COLUMN core.movies.plot IS 'The site''s short outline.';
COMMENT ON COLUMN core.movies.poster_url IS 'Address of the poster.';
COMMENT ON COLUMN core.movies.facts_as_of IS 'When the page with these facts was fetched (UTC).';
COMMENT ON COLUMN core.movies.active_analyser_id IS 'Whose scores the marts show; null before the first.';

CREATE TABLE core.movie_snapshots (
    imdb_id      text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    taken_at     timestamptz NOT NULL,
    rating       numeric(3, 1) CHECK (rating BETWEEN 1 AND 10),
    vote_count   integer CHECK (vote_count >= 0),
    review_count integer CHECK (review_count >= 0),
    PRIMARY KEY (imdb_id, taken_at)
);
COMMENT ON TABLE core.movie_snapshots IS 'What the site itself said of a movie, over time.';
COMMENT ON COLUMN core.movie_snapshots.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.movie_snapshots.taken_at IS 'When the page was fetched (UTC).';
COMMENT ON COLUMN core.movie_snapshots.rating IS 'The site''s own mean rating, 1 to 10.';
COMMENT ON COLUMN core.movie_snapshots.vote_count IS 'Votes behind that rating.';
COMMENT ON COLUMN core.movie_snapshots.review_count IS 'Reviews that the site says it has.';

CREATE TABLE core.reviews (
    source        text NOT NULL,
    review_id     text NOT NULL,
    imdb_id       text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    author_key    text,
    title         text,
    body          text,
    rating_1_10   smallint CHECK (rating_1_10 BETWEEN 1 AND 10),
    submitted_on  date,
    date_source   text CHECK (date_source IN ('json', 'dom', 'file')),
    is_spoiler    boolean NOT NULL,
    helpful_up    integer CHECK (helpful_up >= 0),
    helpful_down  integer CHECK (helpful_down >= 0),
    language      text,
    content_hash  text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    removed_at    timestamptz,
    PRIMARY KEY (source, review_id)
);
CREATE INDEX reviews_by_movie ON core.reviews (imdb_id, submitted_on);
COMMENT ON TABLE core.reviews IS 'One row per review, as it was last seen.';
COMMENT ON COLUMN core.reviews.source IS 'Where it stands: imdb.';
COMMENT ON COLUMN core.reviews.review_id IS 'The site''s own id.';
COMMENT ON COLUMN core.reviews.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.reviews.author_key IS 'Keyed hash of the author''s id; names are never stored.';
COMMENT ON COLUMN core.reviews.title IS 'Heading; null once the text of a removed review was dropped.';
COMMENT ON COLUMN core.reviews.body IS 'Plain text; null once the text of a removed review was dropped.';
COMMENT ON COLUMN core.reviews.rating_1_10 IS 'Stars, 1 to 10; null when none were given.';
COMMENT ON COLUMN core.reviews.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN core.reviews.date_source IS 'Which route gave the day; a dom day is a day early on IMDb.';
COMMENT ON COLUMN core.reviews.is_spoiler IS 'Marked as a spoiler.';
COMMENT ON COLUMN core.reviews.helpful_up IS 'Readers who found it helpful.';
COMMENT ON COLUMN core.reviews.helpful_down IS 'Readers who did not.';
COMMENT ON COLUMN core.reviews.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN core.reviews.content_hash IS 'sha256 of canonical title and body.';
COMMENT ON COLUMN core.reviews.first_seen_at IS 'Start of the collection that first saw it (UTC).';
COMMENT ON COLUMN core.reviews.removed_at IS 'Start of the complete full collection that missed it (UTC).';

CREATE TABLE core.review_revisions (
    source       text NOT NULL,
    review_id    text NOT NULL,
    replaced_at  timestamptz NOT NULL,
    imdb_id      text NOT NULL,
    title        text,
    body         text,
    rating_1_10  smallint,
    submitted_on date,
    is_spoiler   boolean NOT NULL,
    helpful_up   integer,
    helpful_down integer,
    content_hash text NOT NULL,
    PRIMARY KEY (source, review_id, replaced_at),
    FOREIGN KEY (source, review_id) REFERENCES core.reviews ON DELETE CASCADE
);
COMMENT ON TABLE core.review_revisions IS 'What an edited review said before.';
COMMENT ON COLUMN core.review_revisions.source IS 'Where it stands.';
COMMENT ON COLUMN core.review_revisions.review_id IS 'The site''s own id.';
COMMENT ON COLUMN core.review_revisions.replaced_at IS 'Start of the collection that saw the new text (UTC).';
COMMENT ON COLUMN core.review_revisions.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.review_revisions.title IS 'Heading before; null once dropped.';
COMMENT ON COLUMN core.review_revisions.body IS 'Text before; null once dropped.';
COMMENT ON COLUMN core.review_revisions.rating_1_10 IS 'Stars before.';
COMMENT ON COLUMN core.review_revisions.submitted_on IS 'Day before.';
COMMENT ON COLUMN core.review_revisions.is_spoiler IS 'Mark before.';
COMMENT ON COLUMN core.review_revisions.helpful_up IS 'Votes when it was replaced.';
COMMENT ON COLUMN core.review_revisions.helpful_down IS 'Votes when it was replaced.';
COMMENT ON COLUMN core.review_revisions.content_hash IS 'sha256 of canonical title and body before.';

CREATE TABLE core.review_analyses (
    source        text NOT NULL,
    review_id     text NOT NULL,
    content_hash  text NOT NULL,
    analyser_id   integer NOT NULL REFERENCES core.analysers,
    imdb_id       text NOT NULL,
    status        text NOT NULL,
    overall       smallint CHECK (overall BETWEEN -2 AND 2),
    input_tokens  integer,
    output_tokens integer,
    cost_usd      numeric(12, 8),
    PRIMARY KEY (source, review_id, content_hash, analyser_id),
    FOREIGN KEY (source, review_id) REFERENCES core.reviews ON DELETE CASCADE,
    CHECK ((status = 'scored') = (overall IS NOT NULL))
);
CREATE INDEX review_analyses_by_movie ON core.review_analyses (imdb_id, analyser_id);
COMMENT ON TABLE core.review_analyses IS 'What one analyser made of one text of one review.';
COMMENT ON COLUMN core.review_analyses.source IS 'Where the review stands.';
COMMENT ON COLUMN core.review_analyses.review_id IS 'The site''s own id.';
COMMENT ON COLUMN core.review_analyses.content_hash IS 'Which text of it was read.';
COMMENT ON COLUMN core.review_analyses.analyser_id IS 'Who read it.';
COMMENT ON COLUMN core.review_analyses.imdb_id IS 'The movie, so that a movie''s scores are found by one index.';
COMMENT ON COLUMN core.review_analyses.status IS 'scored, unsupported_language, refused, content_filter, truncated, invalid, over_budget or failed.';
COMMENT ON COLUMN core.review_analyses.overall IS 'The whole review, -2 very negative to 2 very positive.';
COMMENT ON COLUMN core.review_analyses.input_tokens IS 'Tokens read; null where none are counted.';
COMMENT ON COLUMN core.review_analyses.output_tokens IS 'Tokens written; null where none are counted.';
COMMENT ON COLUMN core.review_analyses.cost_usd IS 'Price in USD; null where nothing is paid.';

CREATE TABLE core.aspect_scores (
    source       text NOT NULL,
    review_id    text NOT NULL,
    content_hash text NOT NULL,
    analyser_id  integer NOT NULL,
    aspect       text NOT NULL
        CHECK (aspect IN ('storytelling', 'acting', 'visuals', 'sound', 'themes')),
    score        smallint NOT NULL CHECK (score BETWEEN -2 AND 2),
    quote        text,
    quote_start  integer CHECK (quote_start >= 0),
    PRIMARY KEY (source, review_id, content_hash, analyser_id, aspect),
    FOREIGN KEY (source, review_id, content_hash, analyser_id)
        REFERENCES core.review_analyses ON DELETE CASCADE,
    CHECK (quote IS NULL OR quote_start IS NOT NULL)
);
COMMENT ON TABLE core.aspect_scores IS 'What one text says of each aspect it mentions; no row = not mentioned.';
COMMENT ON COLUMN core.aspect_scores.source IS 'Where the review stands.';
COMMENT ON COLUMN core.aspect_scores.review_id IS 'The site''s own id.';
COMMENT ON COLUMN core.aspect_scores.content_hash IS 'Which text of it was read.';
COMMENT ON COLUMN core.aspect_scores.analyser_id IS 'Who read it.';
COMMENT ON COLUMN core.aspect_scores.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN core.aspect_scores.score IS '-2 very negative to 2 very positive.';
COMMENT ON COLUMN core.aspect_scores.quote IS 'An exact piece of the analysed text; null when dropped.';
COMMENT ON COLUMN core.aspect_scores.quote_start IS 'Its offset in code points in title, blank line, body.';

CREATE TABLE ops.collections (
    collection_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id             text NOT NULL,
    source             text NOT NULL,
    imdb_id            text NOT NULL,
    mode               text NOT NULL CHECK (mode IN ('incremental', 'full')),
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
COMMENT ON TABLE ops.collections IS 'One row per movie and run: what was collected, how it ended and why.';
COMMENT ON COLUMN ops.collections.collection_id IS 'Our number for it.';
COMMENT ON COLUMN ops.collections.run_id IS 'Airflow''s run id, or cli__ and a time.';
COMMENT ON COLUMN ops.collections.source IS 'Where the reviews stand.';
COMMENT ON COLUMN ops.collections.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.collections.mode IS 'incremental or full.';
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
