-- What was erased on request (docs/adr/0016). The lake holds the same, so that a warehouse that comes
-- back from an older backup hears of it.
CREATE TABLE ops.erasures (
    kind      text NOT NULL CHECK (kind IN ('movie', 'review', 'author')),
    source    text NOT NULL,
    key       text NOT NULL,
    erased_at timestamptz NOT NULL,
    PRIMARY KEY (kind, source, key)
);
COMMENT ON TABLE ops.erasures IS 'What was erased on request, and must not come back; no name and no user id of a site.';
COMMENT ON COLUMN ops.erasures.kind IS 'movie, review or author.';
COMMENT ON COLUMN ops.erasures.source IS 'Where a review stands or an author writes; * for a movie, of which all sources are erased.';
COMMENT ON COLUMN ops.erasures.key IS 'The movie''s imdb_id, the review''s review_id, or the author''s author_key.';
COMMENT ON COLUMN ops.erasures.erased_at IS 'When it was asked for (UTC). Of a movie, what was seen later may be kept.';
