-- Of these movies, those whose figures are the keyless analyser's matter: shown by none or by a keyless
-- one, or by a model that is not final for 95 in 100 of the living reviews.
SELECT m.imdb_id
FROM core.movies m
LEFT JOIN core.analysers s ON s.analyser_id = m.active_analyser_id
WHERE m.imdb_id = ANY(%(imdb_ids)s)
  AND (s.kind IS NULL OR s.kind = 'lexicon' OR (
      SELECT count(a.status) < 0.95 * count(*)
      FROM core.reviews r
      LEFT JOIN core.review_analyses a
             ON (a.source, a.review_id, a.content_hash, a.analyser_id)
              = (r.source, r.review_id, r.content_hash, m.active_analyser_id)
            AND a.status NOT IN ('failed', 'over_budget')
      WHERE r.imdb_id = m.imdb_id AND r.removed_at IS NULL))
ORDER BY m.imdb_id
