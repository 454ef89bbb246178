CREATE VIEW mart.awaited_analysers AS
SELECT m.imdb_id, n.movie, c.reviews, c.finished_reviews, c.scored_reviews, c.rescored_reviews,
       mart.has_finished(c.finished_reviews, c.reviews) AS has_finished,
       coalesce('The model ' || a.model, 'The keyless lexicon')
       || CASE WHEN NOT mart.has_finished(c.finished_reviews, c.reviews)
               THEN ' has read ' || c.finished_reviews || ' of ' || c.reviews
                    || ' reviews. It is shown when it has read 95 %.'
               WHEN NOT mart.keeps_scores(c.rescored_reviews, c.scored_reviews)
               THEN ' has a score for only ' || c.rescored_reviews || ' of the ' || c.scored_reviews
                    || ' reviews that are scored here. It is shown from 80 % on.'
               ELSE ' has read enough. It is shown after the next run of analyse_backlog.' END AS sentence
FROM core.movies m
JOIN mart.movie_names n USING (imdb_id)
JOIN core.analysers a ON a.analyser_id = m.configured_analyser_id
LEFT JOIN core.analysers shown ON shown.analyser_id = m.active_analyser_id
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews,
           count(*) FILTER (WHERE mart.is_final(s.status)) AS finished_reviews,
           count(o.overall) AS scored_reviews,
           count(o.overall) FILTER (WHERE s.overall IS NOT NULL) AS rescored_reviews
    FROM core.reviews r
    LEFT JOIN core.review_analyses s
           ON (s.source, s.review_id, s.content_hash, s.analyser_id)
            = (r.source, r.review_id, r.content_hash, m.configured_analyser_id)
    LEFT JOIN core.review_analyses o
           ON (o.source, o.review_id, o.content_hash, o.analyser_id)
            = (r.source, r.review_id, r.content_hash, m.active_analyser_id)
    WHERE r.imdb_id = m.imdb_id AND r.removed_at IS NULL
) c
WHERE m.configured_analyser_id IS DISTINCT FROM m.active_analyser_id
  -- A model that has read the movie is not replaced by the lexicon.
  AND NOT (a.kind = 'lexicon' AND shown.kind IS DISTINCT FROM 'lexicon');
COMMENT ON VIEW mart.awaited_analysers IS 'Movies that still show the scores of another analyser than the configured one, and why.';
COMMENT ON COLUMN mart.awaited_analysers.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.awaited_analysers.movie IS 'Title and year.';
COMMENT ON COLUMN mart.awaited_analysers.reviews IS 'Current reviews of the movie.';
COMMENT ON COLUMN mart.awaited_analysers.finished_reviews IS 'Of these, how many the configured analyser is done with.';
COMMENT ON COLUMN mart.awaited_analysers.scored_reviews IS 'Reviews with a score of the analyser that is shown.';
COMMENT ON COLUMN mart.awaited_analysers.rescored_reviews IS 'Of these, how many the configured analyser scored too.';
COMMENT ON COLUMN mart.awaited_analysers.has_finished IS 'Whether the configured analyser is done with 95 % of the reviews.';
COMMENT ON COLUMN mart.awaited_analysers.sentence IS 'Why the other analyser''s scores are still shown, for a person.';
