-- Lost objects of the lake (docs/adr/0015). The lake holds the same notes of those that were given up,
-- for a warehouse that is rebuilt from it.
CREATE TABLE ops.lost_objects (
    object          text PRIMARY KEY,
    source          text NOT NULL,
    imdb_id         text NOT NULL,
    manifest        text NOT NULL,
    collected_at    timestamptz NOT NULL,
    fault           text NOT NULL CHECK (fault IN ('missing', 'damaged', 'too_few')),
    sha256          text,
    reviews         integer,
    found_at        timestamptz NOT NULL,
    settled_by      text CHECK (settled_by IN ('person', 'collection')),
    settled_at      timestamptz,
    known_reviews   integer NOT NULL,
    known_revisions integer NOT NULL
);
CREATE INDEX lost_objects_by_movie ON ops.lost_objects (imdb_id, source);
COMMENT ON TABLE ops.lost_objects IS 'Objects of the lake that are lost; once settled, replays pass them over.';
COMMENT ON COLUMN ops.lost_objects.object IS 'Its name below the root of the lake.';
COMMENT ON COLUMN ops.lost_objects.source IS 'Where the reviews stand.';
COMMENT ON COLUMN ops.lost_objects.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.lost_objects.manifest IS 'The manifest of its collection: its name below the root of the lake.';
COMMENT ON COLUMN ops.lost_objects.collected_at IS 'Start of its collection (UTC).';
COMMENT ON COLUMN ops.lost_objects.fault IS 'missing, damaged, or too_few: its collection holds fewer reviews than its manifest says.';
COMMENT ON COLUMN ops.lost_objects.sha256 IS 'Of the bytes that were there when it was found; null where there were none.';
COMMENT ON COLUMN ops.lost_objects.reviews IS 'Different reviews of the whole collection, by its manifest; null when that cannot be read.';
COMMENT ON COLUMN ops.lost_objects.found_at IS 'When a rebuild first met it (UTC).';
COMMENT ON COLUMN ops.lost_objects.settled_by IS 'person: given up by rebuild --accept-loss; collection: a complete one since holds all that core knew. Null: open.';
COMMENT ON COLUMN ops.lost_objects.settled_at IS 'When that was (UTC).';
COMMENT ON COLUMN ops.lost_objects.known_reviews IS 'Reviews of the movie that core held and no readable object did.';
COMMENT ON COLUMN ops.lost_objects.known_revisions IS 'Earlier versions of its reviews, likewise.';
