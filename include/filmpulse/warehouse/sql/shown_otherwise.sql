-- Movies (of these, or all) with reviews that are shown under another analyser, or none.
SELECT m.imdb_id
FROM core.movies m
WHERE m.active_analyser_id IS DISTINCT FROM %(analyser_id)s
  AND (%(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s))
  AND EXISTS (SELECT FROM core.reviews r WHERE r.imdb_id = m.imdb_id AND r.removed_at IS NULL)
ORDER BY m.imdb_id
