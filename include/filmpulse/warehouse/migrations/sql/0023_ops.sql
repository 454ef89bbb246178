-- By which rules movies were counted. There is no foreign key: `core` can be made anew without `ops`.
CREATE TABLE ops.counted_movies (
    imdb_id    text PRIMARY KEY,
    counted_by text NOT NULL,
    counted_at timestamptz NOT NULL
);
COMMENT ON TABLE ops.counted_movies IS 'One row per movie whose reviews and scores were counted.';
COMMENT ON COLUMN ops.counted_movies.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.counted_movies.counted_by IS 'A hash of the rules by which they were last counted.';
COMMENT ON COLUMN ops.counted_movies.counted_at IS 'When the counts last changed (UTC).';
