CREATE VIEW mart.aspect_scores AS
SELECT r.source, r.review_id, r.imdb_id, r.submitted_on, r.is_spoiler, r.rating_1_10, r.overall,
       r.analyser_id, s.aspect, s.score, s.quote, s.quote_start,
       r.movie, r.language, r.language_name, r.helpful_up
FROM mart.reviews r
JOIN core.aspect_scores s USING (source, review_id, content_hash, analyser_id, imdb_id);
COMMENT ON VIEW mart.aspect_scores IS 'One row per aspect that a current review mentions.';
COMMENT ON COLUMN mart.aspect_scores.source IS 'Where the review stands.';
COMMENT ON COLUMN mart.aspect_scores.review_id IS 'The site''s own id.';
COMMENT ON COLUMN mart.aspect_scores.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.aspect_scores.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN mart.aspect_scores.is_spoiler IS 'The review is marked as a spoiler; do not show its quote unasked.';
COMMENT ON COLUMN mart.aspect_scores.rating_1_10 IS 'Stars of the review; null when none were given.';
COMMENT ON COLUMN mart.aspect_scores.overall IS 'The whole review, -2 to 2.';
COMMENT ON COLUMN mart.aspect_scores.analyser_id IS 'Who read it: the movie''s active analyser.';
COMMENT ON COLUMN mart.aspect_scores.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN mart.aspect_scores.score IS '-2 very negative to 2 very positive.';
COMMENT ON COLUMN mart.aspect_scores.quote IS 'An exact piece of the analysed text; null when none could be verified.';
COMMENT ON COLUMN mart.aspect_scores.quote_start IS 'Its offset in code points in title, blank line, body.';
COMMENT ON COLUMN mart.aspect_scores.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.aspect_scores.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN mart.aspect_scores.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.aspect_scores.helpful_up IS 'Readers who found the review helpful.';
