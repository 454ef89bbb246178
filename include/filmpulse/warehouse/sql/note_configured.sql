UPDATE core.movies SET configured_analyser_id = %(analyser_id)s
WHERE (%(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s))
  AND configured_analyser_id IS DISTINCT FROM %(analyser_id)s
