-- Of each fact, what the newest page says that has it; what a page does not say stays as it was.
WITH locked AS MATERIALIZED (
    SELECT imdb_id, fact_times FROM core.movies WHERE imdb_id = %(imdb_id)s FOR UPDATE
), newer AS (
    SELECT l.imdb_id, jsonb_object_agg(f.key, f.value) AS facts,
           jsonb_object_agg(f.key, %(as_of)s::timestamptz) AS times
    FROM locked l, jsonb_each(%(facts)s) f
    WHERE coalesce((l.fact_times ->> f.key)::timestamptz < %(as_of)s, true)
    GROUP BY l.imdb_id
)
UPDATE core.movies m SET
    (title, original_title, year, release_date, runtime_minutes, genres, directors, cast_names, plot,
     poster_url) =
    (SELECT f.title, f.original_title, f.year, f.release_date, f.runtime_minutes, f.genres,
            f.directors, f.cast_names, f.plot, f.poster_url
     FROM jsonb_populate_record(m, n.facts) f),
    fact_times = m.fact_times || n.times,
    facts_as_of = greatest(m.facts_as_of, %(as_of)s)
FROM newer n
WHERE m.imdb_id = n.imdb_id
