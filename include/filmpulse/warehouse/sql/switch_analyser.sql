-- Show a movie under an analyser if that is due (docs/adr/0023). Finished: 95 in 100 of the movie's living
-- reviews have a final status under it.
WITH candidates AS (
    SELECT a.analyser_id, a.kind = 'lexicon' AS is_keyless,
           count(s.status) >= 0.95 * count(r.review_id) AS is_finished
    FROM core.movies m
    JOIN core.analysers a ON a.analyser_id IN (m.active_analyser_id, %(analyser_id)s)
    LEFT JOIN core.reviews r ON r.imdb_id = m.imdb_id AND r.removed_at IS NULL
    LEFT JOIN core.review_analyses s
           ON (s.source, s.review_id, s.content_hash, s.analyser_id)
            = (r.source, r.review_id, r.content_hash, a.analyser_id)
          AND s.status NOT IN ('failed', 'over_budget')
    WHERE m.imdb_id = %(imdb_id)s
    GROUP BY a.analyser_id
)
UPDATE core.movies m SET active_analyser_id = next.analyser_id
FROM candidates next
LEFT JOIN candidates shown ON shown.analyser_id <> next.analyser_id
WHERE m.imdb_id = %(imdb_id)s AND next.analyser_id = %(analyser_id)s
  AND m.active_analyser_id IS NOT DISTINCT FROM shown.analyser_id
  AND CASE WHEN NOT next.is_keyless THEN next.is_finished
           WHEN shown.analyser_id IS NULL THEN true
           ELSE next.is_finished AND (shown.is_keyless OR NOT shown.is_finished) END
