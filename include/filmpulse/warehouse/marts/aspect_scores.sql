-- Movie by movie: the planner takes these joins for one row, and would read the names of all movies
-- anew for each of their rows.
CREATE VIEW mart.aspect_scores AS
SELECT o.source, o.review_id, n.imdb_id, o.submitted_on, o.is_spoiler, o.rating_1_10, o.overall,
       o.analyser_id, o.aspect, o.score, o.quote, o.quote_start,
       n.movie, o.language, mart.language_name(o.language) AS language_name, o.helpful_up
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT r.source, r.review_id, r.submitted_on, r.is_spoiler, r.rating_1_10, r.language,
           r.helpful_up, a.overall, s.analyser_id, s.aspect, s.score, s.quote, s.quote_start
    FROM core.movies m
    JOIN mart.current_reviews r USING (imdb_id)
    JOIN core.review_analyses a USING (imdb_id, source, review_id, content_hash)
    JOIN core.aspect_scores s USING (imdb_id, source, review_id, content_hash, analyser_id)
    WHERE m.imdb_id = n.imdb_id AND a.analyser_id = m.active_analyser_id
    OFFSET 0
) o;
COMMENT ON VIEW mart.aspect_scores IS 'One row per aspect that a current review mentions.';
COMMENT ON COLUMN mart.aspect_scores.aspect IS 'storytelling, acting, visuals, sound or themes.';
