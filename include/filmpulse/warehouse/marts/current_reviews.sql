-- The one definition of "current". Statements that load reviews or drop their texts read the table,
-- since they handle removed reviews too.
CREATE VIEW mart.current_reviews AS
SELECT source, review_id, imdb_id, title, body, rating_1_10, submitted_on, is_spoiler, helpful_up,
       helpful_down, language, first_seen_at, content_hash, author_key IS NOT NULL AS has_author
FROM core.reviews
WHERE removed_at IS NULL;
COMMENT ON VIEW mart.current_reviews IS 'One row per review that the site has not removed, as it was last seen.';
COMMENT ON COLUMN mart.current_reviews.title IS 'Heading.';
COMMENT ON COLUMN mart.current_reviews.has_author IS 'Whether the site named an author.';
