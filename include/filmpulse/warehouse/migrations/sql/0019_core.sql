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
    image      bytea,
    media_type text CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    width      integer CHECK (width > 0),
    height     integer CHECK (height > 0),
    reason     text,
    fetched_at timestamptz NOT NULL,
    CHECK ((image IS NULL) = (media_type IS NULL) AND (image IS NULL) = (width IS NULL)
           AND (image IS NULL) = (height IS NULL)),
    CHECK (image IS NOT NULL OR reason IS NOT NULL)
);
COMMENT ON TABLE core.movie_posters IS 'A small picture of a movie''s poster, where the settings ask for posters.';
COMMENT ON COLUMN core.movie_posters.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.movie_posters.source_url IS 'Where it was fetched, or was to be.';
COMMENT ON COLUMN core.movie_posters.image IS 'The picture, made small; null if none could be had.';
COMMENT ON COLUMN core.movie_posters.media_type IS 'image/jpeg, image/png or image/webp.';
COMMENT ON COLUMN core.movie_posters.width IS 'Pixels.';
COMMENT ON COLUMN core.movie_posters.height IS 'Pixels.';
COMMENT ON COLUMN core.movie_posters.reason IS 'Why the last try brought no picture, in a word; null if it did.';
COMMENT ON COLUMN core.movie_posters.fetched_at IS 'When that was (UTC).';

-- A page of reviews, newest first, begins in the middle of the list, and what is new since last week is
-- found by when it was first seen.
CREATE INDEX reviews_in_order ON core.reviews
    (imdb_id, coalesce(submitted_on, '-infinity'::date), source, review_id) WHERE removed_at IS NULL;
CREATE INDEX reviews_by_arrival ON core.reviews (imdb_id, first_seen_at);
