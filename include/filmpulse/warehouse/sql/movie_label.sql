SELECT coalesce(original_title, title) || coalesce(' (' || year || ')', '') AS label
FROM core.movies WHERE imdb_id = %(imdb_id)s
