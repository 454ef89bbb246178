-- What "current" means stands here once. Statements that load reviews or drop their texts read the
-- table, since they deal with removed reviews as well.
CREATE VIEW mart.current_reviews AS
SELECT source, review_id, imdb_id, title, body, rating_1_10, submitted_on, is_spoiler, helpful_up,
       helpful_down, language, first_seen_at, content_hash, author_key IS NOT NULL AS has_author
FROM core.reviews
WHERE removed_at IS NULL;
COMMENT ON VIEW mart.current_reviews IS 'One row per review that the site has not removed, as it was last seen.';
COMMENT ON COLUMN mart.current_reviews.source IS 'Where the review stands: imdb, or the name given to a file.';
COMMENT ON COLUMN mart.current_reviews.review_id IS 'The site''s own id.';
COMMENT ON COLUMN mart.current_reviews.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.current_reviews.title IS 'Heading.';
COMMENT ON COLUMN mart.current_reviews.body IS 'Plain text.';
COMMENT ON COLUMN mart.current_reviews.rating_1_10 IS 'Stars, 1 to 10; null when none were given.';
COMMENT ON COLUMN mart.current_reviews.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN mart.current_reviews.is_spoiler IS 'Marked as a spoiler.';
COMMENT ON COLUMN mart.current_reviews.helpful_up IS 'Readers who found the review helpful.';
COMMENT ON COLUMN mart.current_reviews.helpful_down IS 'Readers who did not.';
COMMENT ON COLUMN mart.current_reviews.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN mart.current_reviews.first_seen_at IS 'Start of the collection that first saw the review (UTC).';
COMMENT ON COLUMN mart.current_reviews.content_hash IS 'sha256 of canonical title and body.';
COMMENT ON COLUMN mart.current_reviews.has_author IS 'Whether the site named an author.';
