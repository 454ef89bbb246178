CREATE VIEW mart.aspect_scores AS
SELECT r.source, r.review_id, r.imdb_id, r.submitted_on, r.is_spoiler, r.rating_1_10, r.overall,
       r.analyser_id, s.aspect, s.score, s.quote, s.quote_start,
       r.movie, r.language, r.language_name, r.helpful_up
FROM mart.reviews r
JOIN core.aspect_scores s USING (source, review_id, content_hash, analyser_id, imdb_id);
COMMENT ON VIEW mart.aspect_scores IS 'One row per aspect that a current review mentions.';
COMMENT ON COLUMN mart.aspect_scores.aspect IS 'storytelling, acting, visuals, sound or themes.';
