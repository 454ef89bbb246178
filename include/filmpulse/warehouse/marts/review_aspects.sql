-- For a few reviews, which keys find; mart.aspect_scores is for all aspects of a movie.
CREATE VIEW mart.review_aspects AS
SELECT r.imdb_id, r.source, r.review_id, a.aspect, a.score, a.quote, a.quote_start
FROM mart.current_reviews r
JOIN core.movies m USING (imdb_id)
JOIN core.aspect_scores a
     ON (a.imdb_id, a.source, a.review_id, a.content_hash, a.analyser_id)
      = (r.imdb_id, r.source, r.review_id, r.content_hash, m.active_analyser_id);
COMMENT ON VIEW mart.review_aspects IS 'One row per aspect that a current review mentions; to be asked for single reviews.';
COMMENT ON COLUMN mart.review_aspects.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN mart.review_aspects.quote_start IS 'Its offset in code points in title, blank line, body.';
