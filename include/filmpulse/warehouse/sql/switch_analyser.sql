-- Show movies under another analyser where that is due (docs/adr/0023): under this one when it may take
-- over, or under the one with the most scores when the analyser on show lost the scores of another.
WITH standing AS (
    SELECT m.imdb_id, m.active_analyser_id AS shown_id, a.analyser_id,
           a.kind = 'lexicon' AS is_keyless, p.has_finished AS is_finished,
           p.scored_reviews AS scored, p.rescored_reviews AS scored_by_both
    FROM core.movies m
    JOIN mart.analyser_progress p USING (imdb_id)
    JOIN core.analysers a USING (analyser_id)
    WHERE (%(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s))
      AND (a.analyser_id IN (m.active_analyser_id, %(analyser_id)s::integer)
           OR EXISTS (SELECT FROM core.review_analyses s
                      WHERE (s.imdb_id, s.analyser_id) = (m.imdb_id, a.analyser_id)))
), judged AS (
    SELECT next.*,
           next.analyser_id = %(analyser_id)s::integer
           AND mart.keeps_scores(next.scored_by_both, coalesce(shown.scored, 0))
           AND CASE WHEN NOT next.is_keyless THEN next.is_finished
                    WHEN next.shown_id IS NULL THEN true
                    ELSE next.is_finished AND (shown.is_keyless OR NOT shown.is_finished) END
               AS takes_over,
           next.is_finished AND next.scored > shown.scored
           AND NOT mart.keeps_scores(next.scored_by_both, next.scored) AS gets_back
    FROM standing next
    LEFT JOIN standing shown ON (shown.imdb_id, shown.analyser_id) = (next.imdb_id, next.shown_id)
    WHERE next.analyser_id IS DISTINCT FROM next.shown_id
), due AS (
    SELECT DISTINCT ON (imdb_id) imdb_id, shown_id, analyser_id FROM judged
    WHERE takes_over OR gets_back
    ORDER BY imdb_id, takes_over DESC, scored DESC, is_keyless, analyser_id DESC
)
UPDATE core.movies m SET active_analyser_id = due.analyser_id
FROM due
WHERE m.imdb_id = due.imdb_id AND m.active_analyser_id IS NOT DISTINCT FROM due.shown_id
