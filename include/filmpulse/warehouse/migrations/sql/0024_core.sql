-- There is no foreign key to core.movies: a movie is tracked before its page was read.
CREATE TABLE core.tracked (
    imdb_id       text PRIMARY KEY CHECK (imdb_id ~ '^tt[0-9]{7,9}$'),
    tracked_since timestamptz NOT NULL DEFAULT now(),
    origin        text NOT NULL CHECK (origin IN ('file', 'page', 'command', 'variable')),
    file_name     text CHECK ((file_name IS NOT NULL) = (origin = 'file'))
);
COMMENT ON TABLE core.tracked IS 'Tracked movies beside the Variable tracked_movies, which holds no more than 2,000.';
COMMENT ON COLUMN core.tracked.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.tracked.tracked_since IS 'When it was added (UTC).';
COMMENT ON COLUMN core.tracked.origin IS 'Who added it: file (`filmpulse movies import`), page (Movies page or API), command (`filmpulse movies add`), variable (moved from the Variable).';
COMMENT ON COLUMN core.tracked.file_name IS 'Name of that file; null for the others.';
