-- The detector looks at each site by itself; streams are drained from a cursor (docs/adr/0034).
ALTER TABLE ops.movie_checks ADD COLUMN source text NOT NULL DEFAULT 'imdb';
ALTER TABLE ops.movie_checks ALTER COLUMN source DROP DEFAULT;
ALTER TABLE ops.movie_checks DROP CONSTRAINT movie_checks_pkey;
ALTER TABLE ops.movie_checks ADD PRIMARY KEY (imdb_id, source);
ALTER TABLE ops.movie_checks ADD COLUMN triggered_mode text;
COMMENT ON TABLE ops.movie_checks IS 'The detector''s last look at each movie, by source.';
COMMENT ON COLUMN ops.movie_checks.triggered_mode IS 'How that run is to read the source.';
COMMENT ON COLUMN ops.movie_checks.source IS 'The site, or the stream that was drained.';

ALTER TABLE ops.collections DROP CONSTRAINT collections_mode_check;
ALTER TABLE ops.collections ADD CONSTRAINT collections_mode_check
    CHECK (mode IN ('incremental', 'full', 'import', 'stream'));
ALTER TABLE ops.collections DROP CONSTRAINT collections_status_check;
ALTER TABLE ops.collections ADD CONSTRAINT collections_status_check
    CHECK (status IN ('queued', 'running', 'complete', 'drained', 'partial', 'gated', 'blocked',
                      'layout_changed', 'not_found', 'failed'));
COMMENT ON TABLE ops.collections IS 'One row per movie, source and run: what was collected, how it ended and why.';
COMMENT ON COLUMN ops.collections.mode IS 'incremental, full, import (from files), or stream (from a stream''s events).';

CREATE TABLE ops.sources (
    source text PRIMARY KEY,
    kind   text NOT NULL CHECK (kind IN ('site', 'stream')),
    title  text NOT NULL
);
INSERT INTO ops.sources VALUES ('imdb', 'site', 'IMDb');
COMMENT ON TABLE ops.sources IS 'Sites and streams that were ever read; every other source is one of files.';
COMMENT ON COLUMN ops.sources.source IS 'The source; core.reviews.source has it too.';
COMMENT ON COLUMN ops.sources.kind IS 'site: visited page by page. stream: drained for all movies at once.';
COMMENT ON COLUMN ops.sources.title IS 'Its name for people.';

CREATE TABLE ops.streams (
    source        text PRIMARY KEY,
    cursor        text,
    drained_at    timestamptz,
    gapless_since timestamptz
);
COMMENT ON TABLE ops.streams IS 'How far each stream was read.';
COMMENT ON COLUMN ops.streams.source IS 'The stream.';
COMMENT ON COLUMN ops.streams.cursor IS 'Where the next drain goes on; null before the first.';
COMMENT ON COLUMN ops.streams.drained_at IS 'Start of the last drain (UTC).';
COMMENT ON COLUMN ops.streams.gapless_since IS 'From then on no event is missing up to drained_at (UTC).';
