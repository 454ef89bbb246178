-- What people put on movies, for the Movies page.
CREATE TABLE core.movie_tags (
    imdb_id  text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    tag      text NOT NULL CHECK (length(tag) BETWEEN 1 AND 40 AND tag !~ '^\s|\s$'),
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (imdb_id, tag)
);
CREATE UNIQUE INDEX movie_tags_without_case ON core.movie_tags (imdb_id, lower(tag));
COMMENT ON TABLE core.movie_tags IS 'Words that people put on movies, to find them by.';
COMMENT ON COLUMN core.movie_tags.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.movie_tags.tag IS 'A word or two, such as competitors; its case is kept, and told apart from no other.';
COMMENT ON COLUMN core.movie_tags.noted_at IS 'When it was put on the movie (UTC).';

CREATE TABLE core.movie_posters (
    imdb_id    text PRIMARY KEY REFERENCES core.movies ON DELETE CASCADE,
    source_url text NOT NULL,
    image      bytea NOT NULL,
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    width      integer NOT NULL CHECK (width > 0),
    height     integer NOT NULL CHECK (height > 0),
    fetched_at timestamptz NOT NULL
);
COMMENT ON TABLE core.movie_posters IS 'A small picture of a movie''s poster, where the settings ask for posters.';
COMMENT ON COLUMN core.movie_posters.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.movie_posters.source_url IS 'Where it was fetched.';
COMMENT ON COLUMN core.movie_posters.image IS 'The picture, made small.';
COMMENT ON COLUMN core.movie_posters.media_type IS 'image/jpeg, image/png or image/webp.';
COMMENT ON COLUMN core.movie_posters.width IS 'Pixels.';
COMMENT ON COLUMN core.movie_posters.height IS 'Pixels.';
COMMENT ON COLUMN core.movie_posters.fetched_at IS 'When it was fetched (UTC).';

-- A page of reviews, newest first, begins in the middle of the list, and what is new since last week is
-- found by when it was first seen.
CREATE INDEX reviews_in_order ON core.reviews
    (imdb_id, coalesce(submitted_on, '-infinity'::date), source, review_id) WHERE removed_at IS NULL;
CREATE INDEX reviews_by_arrival ON core.reviews (imdb_id, first_seen_at);
