-- An auditor who was forgotten stays forgotten: a restore erases again what was noted until then.
ALTER TABLE ops.erasures DROP CONSTRAINT erasures_kind_check,
    ADD CONSTRAINT erasures_kind_check CHECK (kind IN ('movie', 'review', 'author', 'auditor'));
COMMENT ON COLUMN ops.erasures.kind IS 'movie, review, author or auditor.';
COMMENT ON COLUMN ops.erasures.source IS 'Where a review stands or an author writes; * for a movie, of which all sources are erased, and for an auditor.';
COMMENT ON COLUMN ops.erasures.key IS 'The movie''s imdb_id, the review''s review_id, the author''s author_key, or a hash of the auditor''s name.';
COMMENT ON COLUMN ops.erasures.erased_at IS 'When it was asked for (UTC). Of a movie, what was seen later may be kept, and of an auditor what was labelled later.';
