-- Newer facts replace older ones; what the newer page does not say stays as it was.
INSERT INTO core.movies AS m (imdb_id, title, original_title, year, release_date, runtime_minutes,
    genres, directors, cast_names, plot, poster_url, facts_as_of)
VALUES (%(imdb_id)s, %(title)s, %(original_title)s, %(year)s, %(release_date)s,
    %(runtime_minutes)s, %(genres)s, %(directors)s, %(cast)s, %(plot)s, %(poster_url)s,
    %(facts_as_of)s)
ON CONFLICT (imdb_id) DO UPDATE SET
    title = excluded.title,
    original_title = coalesce(excluded.original_title, m.original_title),
    year = coalesce(excluded.year, m.year),
    release_date = coalesce(excluded.release_date, m.release_date),
    runtime_minutes = coalesce(excluded.runtime_minutes, m.runtime_minutes),
    genres = CASE WHEN excluded.genres = '{}' THEN m.genres ELSE excluded.genres END,
    directors = CASE WHEN excluded.directors = '{}' THEN m.directors ELSE excluded.directors END,
    cast_names = CASE WHEN excluded.cast_names = '{}' THEN m.cast_names ELSE excluded.cast_names END,
    plot = coalesce(excluded.plot, m.plot),
    poster_url = coalesce(excluded.poster_url, m.poster_url),
    facts_as_of = excluded.facts_as_of
WHERE excluded.facts_as_of > m.facts_as_of
