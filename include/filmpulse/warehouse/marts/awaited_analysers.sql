CREATE VIEW mart.awaited_analysers AS
SELECT m.imdb_id, n.movie, p.reviews, p.finished_reviews, p.shown_reviews AS scored_reviews,
       p.rescored_reviews, p.has_finished,
       coalesce('The model ' || a.model, 'The keyless lexicon')
       || CASE WHEN NOT p.has_finished
               THEN ' has read ' || p.finished_reviews || ' of ' || p.reviews
                    || ' reviews. It is shown when it has read 95 %.'
               WHEN NOT mart.keeps_scores(p.rescored_reviews, p.shown_reviews)
               THEN ' has a score for only ' || p.rescored_reviews || ' of the ' || p.shown_reviews
                    || ' reviews that are scored here. It is shown from 80 % on.'
               ELSE ' has read enough. It is shown after the next run of analyse_backlog.' END AS sentence
FROM core.movies m
JOIN mart.movie_names n USING (imdb_id)
JOIN core.analysers a ON a.analyser_id = m.configured_analyser_id
JOIN mart.analyser_progress p ON (p.imdb_id, p.analyser_id) = (m.imdb_id, a.analyser_id)
LEFT JOIN core.analysers shown ON shown.analyser_id = m.active_analyser_id
WHERE m.configured_analyser_id IS DISTINCT FROM m.active_analyser_id
  -- The lexicon does not replace a model, or a newer lexicon, that has read the movie.
  AND NOT (a.kind = 'lexicon'
           AND (shown.kind IS DISTINCT FROM 'lexicon' OR shown.analyser_id > a.analyser_id));
COMMENT ON VIEW mart.awaited_analysers IS 'Movies that still show the scores of another analyser than the configured one, and why.';
COMMENT ON COLUMN mart.awaited_analysers.finished_reviews IS 'Of these, how many the configured analyser is done with.';
COMMENT ON COLUMN mart.awaited_analysers.scored_reviews IS 'Reviews with a score of the analyser that is shown.';
COMMENT ON COLUMN mart.awaited_analysers.rescored_reviews IS 'Of these, how many the configured analyser scored too.';
COMMENT ON COLUMN mart.awaited_analysers.has_finished IS 'Whether the configured analyser is done with 95 % of the reviews.';
COMMENT ON COLUMN mart.awaited_analysers.sentence IS 'Why the other analyser''s scores are still shown, for a person.';
