-- Tables of core as of revision 0009; later revisions change them. Only files of core change core, so
-- that its own files can make it anew if it was dropped.
CREATE SCHEMA core;
COMMENT ON SCHEMA core IS 'Tables: one row per real thing.';

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
    active_analyser_id integer REFERENCES core.analysers,
    fact_times         jsonb NOT NULL DEFAULT '{}'
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
COMMENT ON COLUMN core.movies.fact_times IS 'When the page that says each fact was fetched (UTC), by column.';

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
-- Several reviews may have the same words; an answer about them is kept as long as one review has them.
CREATE INDEX reviews_by_text ON core.reviews USING hash (content_hash);
-- One index counts a movie's current reviews, another charts them, without reading their texts.
CREATE INDEX reviews_living ON core.reviews (imdb_id, source) WHERE removed_at IS NULL;
CREATE INDEX reviews_charted ON core.reviews (imdb_id)
    INCLUDE (source, review_id, content_hash, rating_1_10, submitted_on, is_spoiler, language)
    WHERE removed_at IS NULL;
COMMENT ON TABLE core.reviews IS 'One row per review, as it was last seen.';
COMMENT ON COLUMN core.reviews.source IS 'Where it stands: imdb, or the name of a source of files.';
COMMENT ON COLUMN core.reviews.review_id IS 'The site''s or the file''s own id; row- and a hash where the file has none.';
COMMENT ON COLUMN core.reviews.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.reviews.author_key IS 'Keyed hash of the author''s id or name at the source; names are never stored.';
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
    date_source  text,
    PRIMARY KEY (source, review_id, replaced_at),
    FOREIGN KEY (source, review_id) REFERENCES core.reviews ON DELETE CASCADE
);
CREATE INDEX review_revisions_by_movie ON core.review_revisions (imdb_id, replaced_at);
CREATE INDEX review_revisions_by_text ON core.review_revisions USING hash (content_hash);
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
COMMENT ON COLUMN core.review_revisions.date_source IS 'Which route gave the day before; null where not noted.';

CREATE TABLE core.review_analyses (
    source              text NOT NULL,
    review_id           text NOT NULL,
    content_hash        text NOT NULL,
    analyser_id         integer NOT NULL REFERENCES core.analysers,
    imdb_id             text NOT NULL,
    status              text NOT NULL,
    overall             smallint CHECK (overall BETWEEN -2 AND 2),
    input_tokens        integer,
    output_tokens       integer,
    cost_usd            numeric(12, 8),
    overall_quote       text,
    overall_quote_start integer CHECK (overall_quote_start >= 0),
    PRIMARY KEY (source, review_id, content_hash, analyser_id),
    FOREIGN KEY (source, review_id) REFERENCES core.reviews ON DELETE CASCADE,
    CHECK ((status = 'scored') = (overall IS NOT NULL)),
    CHECK (overall_quote IS NULL OR overall_quote_start IS NOT NULL)
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
COMMENT ON COLUMN core.review_analyses.input_tokens IS 'Tokens read, of all requests for it; null where none are counted or another review of the same words had them paid.';
COMMENT ON COLUMN core.review_analyses.output_tokens IS 'Tokens written, likewise.';
COMMENT ON COLUMN core.review_analyses.cost_usd IS 'Price in USD, likewise.';
COMMENT ON COLUMN core.review_analyses.overall_quote IS 'An exact piece of the analysed text that decides the whole; null when there is none.';
COMMENT ON COLUMN core.review_analyses.overall_quote_start IS 'Its offset in code points in title, blank line, body.';

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
    imdb_id      text NOT NULL,
    PRIMARY KEY (source, review_id, content_hash, analyser_id, aspect),
    FOREIGN KEY (source, review_id, content_hash, analyser_id)
        REFERENCES core.review_analyses ON DELETE CASCADE,
    CHECK (quote IS NULL OR quote_start IS NOT NULL)
);
CREATE INDEX aspect_scores_by_movie ON core.aspect_scores (imdb_id, analyser_id);
COMMENT ON TABLE core.aspect_scores IS 'What one text says of each aspect it mentions; no row = not mentioned.';
COMMENT ON COLUMN core.aspect_scores.source IS 'Where the review stands.';
COMMENT ON COLUMN core.aspect_scores.review_id IS 'The site''s own id.';
COMMENT ON COLUMN core.aspect_scores.content_hash IS 'Which text of it was read.';
COMMENT ON COLUMN core.aspect_scores.analyser_id IS 'Who read it.';
COMMENT ON COLUMN core.aspect_scores.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN core.aspect_scores.score IS '-2 very negative to 2 very positive.';
COMMENT ON COLUMN core.aspect_scores.quote IS 'An exact piece of the analysed text; null when dropped.';
COMMENT ON COLUMN core.aspect_scores.quote_start IS 'Its offset in code points in title, blank line, body.';
COMMENT ON COLUMN core.aspect_scores.imdb_id IS 'The movie, so that a movie''s aspects are found by one index.';

CREATE TABLE core.movie_events (
    imdb_id     text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    happened_on date NOT NULL,
    label       text NOT NULL CHECK (length(label) BETWEEN 1 AND 80),
    PRIMARY KEY (imdb_id, happened_on, label)
);
COMMENT ON TABLE core.movie_events IS 'What people noted about a movie''s life, such as a festival or a new cut; its release stands in core.movies.';
COMMENT ON COLUMN core.movie_events.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.movie_events.happened_on IS 'The day.';
COMMENT ON COLUMN core.movie_events.label IS 'What happened, in a few words.';

-- A fact from a page of unknown age has a time before the year 1000: the later the page came, the
-- earlier this time, so that any dated page counts more. This returns when such a page came.
CREATE FUNCTION core.fact_seen_at(fact_time text) RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN CASE WHEN fact_time::timestamptz < '1000-01-01 00:00+00'
        THEN '1970-01-01 00:00+00'::timestamptz
             + ('1000-01-01 00:00+00'::timestamptz - fact_time::timestamptz)
        ELSE fact_time::timestamptz END;
COMMENT ON FUNCTION core.fact_seen_at IS 'When a fact in core.movies.fact_times was seen.';

CREATE FUNCTION core.has_words(content_hash text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM core.reviews r
                   WHERE r.content_hash = has_words.content_hash
                     AND (r.title IS NOT NULL OR r.body IS NOT NULL))
        OR EXISTS (SELECT FROM core.review_revisions r
                   WHERE r.content_hash = has_words.content_hash
                     AND (r.title IS NOT NULL OR r.body IS NOT NULL));
COMMENT ON FUNCTION core.has_words IS 'Whether a review, or an earlier version of one, still has the words with this hash.';
