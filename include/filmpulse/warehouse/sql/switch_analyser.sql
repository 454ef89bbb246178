-- Show movies under another analyser where that is due (docs/adr/0023): under this one when it may take
-- over, or under the one with the most scores when the analyser on show lost the scores of another.
WITH asked AS (
    SELECT m.imdb_id, m.active_analyser_id AS shown_id, count(r.review_id) AS reviews
    FROM core.movies m
    LEFT JOIN core.reviews r ON r.imdb_id = m.imdb_id AND r.removed_at IS NULL
    WHERE %(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s)
    GROUP BY m.imdb_id
), counted AS (
    SELECT m.imdb_id, s.analyser_id,
           count(*) FILTER (WHERE mart.is_final(s.status)) AS finished,
           count(s.overall) AS scored,
           count(s.overall) FILTER (WHERE o.overall IS NOT NULL) AS scored_by_both
    FROM asked m
    JOIN core.reviews r ON r.imdb_id = m.imdb_id AND r.removed_at IS NULL
    JOIN core.review_analyses s
      ON (s.source, s.review_id, s.content_hash) = (r.source, r.review_id, r.content_hash)
    LEFT JOIN core.review_analyses o
           ON (o.source, o.review_id, o.content_hash, o.analyser_id)
            = (r.source, r.review_id, r.content_hash, m.shown_id)
    GROUP BY m.imdb_id, s.analyser_id
), standing AS (
    SELECT m.imdb_id, m.shown_id, a.analyser_id, a.kind = 'lexicon' AS is_keyless,
           mart.has_finished(coalesce(c.finished, 0), m.reviews) AS is_finished,
           coalesce(c.scored, 0) AS scored, coalesce(c.scored_by_both, 0) AS scored_by_both
    FROM asked m
    CROSS JOIN core.analysers a
    LEFT JOIN counted c USING (imdb_id, analyser_id)
    WHERE a.analyser_id IN (m.shown_id, %(analyser_id)s::integer) OR c.imdb_id IS NOT NULL
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
