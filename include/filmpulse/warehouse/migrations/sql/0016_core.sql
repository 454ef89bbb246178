-- What a site says of a movie is keyed by the site (docs/adr/0034); until now there was IMDb alone.
ALTER TABLE core.movie_snapshots ADD COLUMN source text NOT NULL DEFAULT 'imdb';
ALTER TABLE core.movie_snapshots ALTER COLUMN source DROP DEFAULT;
ALTER TABLE core.movie_snapshots DROP CONSTRAINT movie_snapshots_pkey;
ALTER TABLE core.movie_snapshots ADD PRIMARY KEY (imdb_id, source, taken_at);
COMMENT ON TABLE core.movie_snapshots IS 'What each site itself said of a movie, over time.';
COMMENT ON COLUMN core.movie_snapshots.source IS 'The site.';

CREATE TABLE core.movie_ids (
    source    text NOT NULL,
    source_id text NOT NULL,
    imdb_id   text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    said_by   text NOT NULL,
    noted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, source_id)
);
CREATE INDEX movie_ids_by_movie ON core.movie_ids (imdb_id, source);
COMMENT ON TABLE core.movie_ids IS 'What each source calls a movie that has an id of its own there.';
COMMENT ON COLUMN core.movie_ids.source IS 'The source.';
COMMENT ON COLUMN core.movie_ids.source_id IS 'Its own id of the movie.';
COMMENT ON COLUMN core.movie_ids.imdb_id IS 'IMDb''s id of the movie.';
COMMENT ON COLUMN core.movie_ids.said_by IS 'Who says that both are one movie.';
COMMENT ON COLUMN core.movie_ids.noted_at IS 'When we were told (UTC).';
