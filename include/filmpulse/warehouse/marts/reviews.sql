-- The movie is part of the join of analyses, so that one index finds all analyses of a movie.
CREATE VIEW mart.reviews AS
SELECT r.source, r.review_id, r.imdb_id, r.title, r.body, r.rating_1_10, r.submitted_on,
       r.is_spoiler, r.helpful_up, r.helpful_down, r.language, r.first_seen_at,
       r.content_hash,
       a.status AS analysis_status, a.overall, m.active_analyser_id AS analyser_id,
       a.overall_quote,
       n.movie, mart.language_name(r.language) AS language_name,
       mart.grade_band(r.rating_1_10) AS grade_band,
       r.submitted_on - m.release_date AS days_since_release
FROM mart.current_reviews r
JOIN core.movies m USING (imdb_id)
LEFT JOIN mart.movie_names n USING (imdb_id)
LEFT JOIN core.review_analyses a
       ON (a.imdb_id, a.source, a.review_id, a.content_hash, a.analyser_id)
        = (r.imdb_id, r.source, r.review_id, r.content_hash, m.active_analyser_id);
COMMENT ON VIEW mart.reviews IS 'Current reviews with the overall score of the movie''s active analyser.';
COMMENT ON COLUMN mart.reviews.title IS 'Heading.';
COMMENT ON COLUMN mart.reviews.analysis_status IS 'What the movie''s active analyser made of it; null when it has not read it.';
COMMENT ON COLUMN mart.reviews.overall_quote IS 'An exact piece of the text that decides the whole; null when there is none. Of a spoiler, do not show it unasked.';
COMMENT ON COLUMN mart.reviews.grade_band IS 'Stars in bands of two, or "no grade".';
COMMENT ON COLUMN mart.reviews.days_since_release IS 'Days from the movie''s release to the review; below 0 before it.';
