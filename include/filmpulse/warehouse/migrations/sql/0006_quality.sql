-- Checks of what was loaded (docs/adr/0020). A verdict belongs to the collection whose load it
-- followed; the sentence holds its figures in words.
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

CREATE VIEW mart.quality_checks AS
SELECT q.imdb_id, coalesce(m.original_title, m.title) AS title, q.source, q.check_name,
       CASE q.passed WHEN true THEN 'pass' WHEN false THEN 'fail' ELSE 'not judged' END
           AS verdict,
       q.sentence, q.figure, q.expected_low, q.expected_high, q.n, q.fails_run,
       q.collected_at, q.checked_at,
       -- A load that was too small to judge does not take back a verdict.
       row_number() OVER (
           PARTITION BY q.imdb_id, q.source, q.check_name
           ORDER BY q.passed IS NULL, q.collected_at DESC, q.manifest_uri DESC) = 1 AS is_latest
FROM ops.quality_checks q
JOIN core.movies m USING (imdb_id);
COMMENT ON VIEW mart.quality_checks IS 'Whether what was loaded looks as it should: each check after each load, in words.';

-- Which route gave the day before, so that a day corrected by a better route is told from a fault.
ALTER TABLE core.review_revisions ADD COLUMN date_source text;
COMMENT ON COLUMN core.review_revisions.date_source IS 'Which route gave the day before; null where not noted.';
CREATE INDEX review_revisions_by_movie ON core.review_revisions (imdb_id, replaced_at);
