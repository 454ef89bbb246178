-- Movies: facts, snapshots, names, events; the sources that they come from.

-- name: ensure_movie
-- A new movie has no review, so it is counted.
WITH made AS (
    INSERT INTO core.movies (imdb_id, title, facts_as_of)
    VALUES (%(imdb_id)s, %(imdb_id)s, '0001-01-01 00:00+00')
    ON CONFLICT (imdb_id) DO NOTHING RETURNING imdb_id
)
INSERT INTO ops.counted_movies SELECT imdb_id, %(rules)s, now() FROM made
ON CONFLICT (imdb_id) DO NOTHING

-- name: store_facts
-- For each fact the newest page that names it counts; a fact that no page names stays as it was.
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

-- name: insert_snapshot
INSERT INTO core.movie_snapshots (source, imdb_id, taken_at, rating, vote_count, review_count)
VALUES (%(source)s, %(imdb_id)s, %(taken_at)s, %(rating)s, %(vote_count)s, %(review_count)s)
ON CONFLICT (imdb_id, source, taken_at) DO NOTHING

-- name: source_id_of
SELECT source_id FROM core.movie_ids
WHERE source = %(source)s AND imdb_id = %(imdb_id)s
ORDER BY noted_at DESC, source_id LIMIT 1

-- name: imdb_id_of
SELECT imdb_id FROM core.movie_ids WHERE source = %(source)s AND source_id = %(source_id)s

-- name: note_movie_id
INSERT INTO core.movie_ids (source, source_id, imdb_id, said_by)
VALUES (%(source)s, %(source_id)s, %(imdb_id)s, %(said_by)s)
ON CONFLICT (source, source_id) DO UPDATE SET
    imdb_id = excluded.imdb_id, said_by = excluded.said_by, noted_at = excluded.noted_at

-- name: known_movies
SELECT imdb_id FROM core.movies WHERE imdb_id = ANY(%(imdb_ids)s)

-- name: movie_label
SELECT coalesce(original_title, title) || coalesce(' (' || year || ')', '') AS label
FROM core.movies WHERE imdb_id = %(imdb_id)s

-- name: add_event
INSERT INTO core.movie_events (imdb_id, happened_on, label)
VALUES (%(imdb_id)s, %(happened_on)s, %(label)s)
ON CONFLICT DO NOTHING RETURNING label

-- name: list_events
SELECT e.imdb_id, n.movie, e.happened_on, e.label
FROM core.movie_events e
JOIN mart.movie_names n USING (imdb_id)
WHERE %(imdb_id)s::text IS NULL OR e.imdb_id = %(imdb_id)s
ORDER BY n.movie, e.imdb_id, e.happened_on, e.label

-- name: remove_event
DELETE FROM core.movie_events
WHERE (imdb_id, happened_on, label) = (%(imdb_id)s, %(happened_on)s, %(label)s) RETURNING label

-- name: add_tag
-- A tag is written as it was first, on whatever movie. No row comes back if the movie is not known.
WITH written AS (
    SELECT m.imdb_id, coalesce(
        (SELECT t.tag FROM core.movie_tags t WHERE lower(t.tag) = lower(%(tag)s)
         ORDER BY t.imdb_id = m.imdb_id DESC, t.noted_at LIMIT 1), %(tag)s) AS tag
    FROM core.movies m WHERE m.imdb_id = %(imdb_id)s
), added AS (
    INSERT INTO core.movie_tags (imdb_id, tag) TABLE written ON CONFLICT DO NOTHING
)
SELECT tag FROM written

-- name: remove_tag
DELETE FROM core.movie_tags WHERE imdb_id = %(imdb_id)s AND lower(tag) = lower(%(tag)s)

-- name: store_poster
INSERT INTO core.movie_posters (imdb_id, source_url, image, media_type, width, height, fetched_at)
SELECT imdb_id, %(source_url)s, %(image)s, %(media_type)s, %(width)s::integer, %(height)s::integer, %(fetched_at)s::timestamptz
FROM core.movies WHERE imdb_id = %(imdb_id)s
ON CONFLICT (imdb_id) DO UPDATE SET
    source_url = excluded.source_url, image = excluded.image, media_type = excluded.media_type,
    width = excluded.width, height = excluded.height, fetched_at = excluded.fetched_at,
    reason = NULL

-- name: note_no_poster
-- A picture that is there stays.
INSERT INTO core.movie_posters (imdb_id, source_url, reason, fetched_at)
SELECT imdb_id, %(source_url)s, %(reason)s, %(fetched_at)s::timestamptz
FROM core.movies WHERE imdb_id = %(imdb_id)s
ON CONFLICT (imdb_id) DO UPDATE SET
    source_url = excluded.source_url, reason = excluded.reason, fetched_at = excluded.fetched_at

-- name: poster_wanted
-- The address of a poster that was not asked for yet, or in vain and long ago.
SELECT m.poster_url
FROM core.movies m
LEFT JOIN core.movie_posters p USING (imdb_id)
WHERE m.imdb_id = %(imdb_id)s AND m.poster_url IS NOT NULL
  AND (p.imdb_id IS NULL OR p.source_url <> m.poster_url
       OR (p.reason IS NOT NULL AND p.fetched_at < now() - %(again_after)s::interval))

-- name: note_source
INSERT INTO ops.sources (source, kind, title) VALUES (%(source)s, %(kind)s, %(title)s)
ON CONFLICT (source) DO NOTHING

-- name: note_host
UPDATE ops.sources SET host = %(host)s WHERE source = %(source)s AND host IS DISTINCT FROM %(host)s

-- name: accept_terms
INSERT INTO ops.source_terms (host, clause) VALUES (%(host)s, %(clause)s)
ON CONFLICT (host) DO NOTHING RETURNING host
