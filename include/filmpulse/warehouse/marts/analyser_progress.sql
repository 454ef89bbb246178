-- The counts for the rules on changing the analyser (docs/adr/0023), of current reviews only.
CREATE VIEW mart.analyser_progress AS
SELECT m.imdb_id, a.analyser_id, c.reviews, c.finished_reviews,
       mart.has_finished(c.finished_reviews, c.reviews) AS has_finished,
       c.scored_reviews, c.shown_reviews, c.rescored_reviews
FROM core.movies m
CROSS JOIN core.analysers a
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews,
           count(*) FILTER (WHERE mart.is_final(s.status)) AS finished_reviews,
           count(s.overall) AS scored_reviews,
           count(o.overall) AS shown_reviews,
           count(o.overall) FILTER (WHERE s.overall IS NOT NULL) AS rescored_reviews
    FROM mart.current_reviews r
    LEFT JOIN core.review_analyses s
           ON (s.source, s.review_id, s.content_hash, s.analyser_id)
            = (r.source, r.review_id, r.content_hash, a.analyser_id)
    LEFT JOIN core.review_analyses o
           ON (o.source, o.review_id, o.content_hash, o.analyser_id)
            = (r.source, r.review_id, r.content_hash, m.active_analyser_id)
    WHERE r.imdb_id = m.imdb_id
) c;
COMMENT ON VIEW mart.analyser_progress IS 'One row per movie and analyser: how much of the movie the analyser has read. Ask for few movies: each row counts the movie''s reviews.';
COMMENT ON COLUMN mart.analyser_progress.analyser_id IS 'The analyser.';
COMMENT ON COLUMN mart.analyser_progress.finished_reviews IS 'Of these, how many the analyser is done with.';
COMMENT ON COLUMN mart.analyser_progress.has_finished IS 'Whether that is 95 % of the reviews.';
COMMENT ON COLUMN mart.analyser_progress.scored_reviews IS 'Reviews with a score of the analyser.';
COMMENT ON COLUMN mart.analyser_progress.shown_reviews IS 'Reviews with a score of the analyser that is shown.';
COMMENT ON COLUMN mart.analyser_progress.rescored_reviews IS 'Reviews with a score of both.';
