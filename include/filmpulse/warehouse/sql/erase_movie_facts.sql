-- Of a movie that is followed again: the facts that nobody has told since its erasure.
WITH old AS (
    SELECT m.imdb_id, array_agg(t.key) AS names,
           jsonb_object_agg(t.key, CASE
               WHEN t.key = 'title' THEN to_jsonb(m.imdb_id)
               WHEN t.key IN ('genres', 'directors', 'cast_names') THEN '[]'
               ELSE 'null' END) AS facts
    FROM core.movies m, jsonb_each_text(m.fact_times) t
    WHERE m.imdb_id = %(imdb_id)s AND core.fact_seen_at(t.value) <= %(erased_at)s
    GROUP BY m.imdb_id
)
UPDATE core.movies m SET
    (title, original_title, year, release_date, runtime_minutes, genres, directors, cast_names, plot,
     poster_url) =
    (SELECT f.title, f.original_title, f.year, f.release_date, f.runtime_minutes, f.genres,
            f.directors, f.cast_names, f.plot, f.poster_url
     FROM jsonb_populate_record(m, o.facts) f),
    fact_times = m.fact_times - o.names
FROM old o
WHERE m.imdb_id = o.imdb_id
