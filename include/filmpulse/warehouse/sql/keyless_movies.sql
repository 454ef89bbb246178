-- Movies (of these, or all) that the keyless analyser has to do with: shown by none, or by a keyless one
-- while this one lacks some, or (unless `but_models`) by a model that has not finished, or that has no
-- score for more than a fifth of the reviews: the lexicon may have.
SELECT m.imdb_id
FROM core.movies m
LEFT JOIN core.analysers s ON s.analyser_id = m.active_analyser_id
WHERE (%(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s))
  AND CASE WHEN s.kind IS NULL THEN true
           WHEN s.kind = 'lexicon' THEN EXISTS (
               SELECT FROM mart.current_reviews r
               WHERE r.imdb_id = m.imdb_id AND r.body IS NOT NULL
                 AND NOT EXISTS (
                     SELECT FROM core.review_analyses a
                     WHERE (a.source, a.review_id, a.content_hash, a.analyser_id)
                         = (r.source, r.review_id, r.content_hash, %(analyser_id)s)
                       AND mart.is_final(a.status)))
           ELSE NOT %(but_models)s AND (
               SELECT NOT p.has_finished OR NOT mart.keeps_scores(p.scored_reviews, p.reviews)
               FROM mart.analyser_progress p
               WHERE (p.imdb_id, p.analyser_id) = (m.imdb_id, m.active_analyser_id)) END
ORDER BY m.imdb_id
