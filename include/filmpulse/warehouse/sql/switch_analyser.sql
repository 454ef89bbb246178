-- The first analyser is shown at once; another takes over when 95 in 100 of the movie's living reviews
-- have a final status under it.
UPDATE core.movies m SET active_analyser_id = %(analyser_id)s
WHERE m.imdb_id = %(imdb_id)s AND m.active_analyser_id IS DISTINCT FROM %(analyser_id)s
  AND (m.active_analyser_id IS NULL OR (
      SELECT count(a.status) >= 0.95 * count(*)
      FROM core.reviews r
      LEFT JOIN core.review_analyses a
             ON (a.source, a.review_id, a.content_hash, a.analyser_id)
              = (r.source, r.review_id, r.content_hash, %(analyser_id)s)
            AND a.status NOT IN ('failed', 'over_budget')
      WHERE r.imdb_id = m.imdb_id AND r.removed_at IS NULL))
