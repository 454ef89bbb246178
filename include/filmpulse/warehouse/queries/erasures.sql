-- What was erased on request.

-- name: erasures
SELECT kind, source, key, erased_at FROM ops.erasures ORDER BY kind, source, key

-- name: erasures_of_source
-- The erasures that concern one source's reviews of one movie.
SELECT kind, source, key, erased_at FROM ops.erasures
WHERE (kind <> 'movie' AND source = %(source)s) OR (kind = 'movie' AND key = %(imdb_id)s)

-- name: erase_record
INSERT INTO ops.erasures AS e (kind, source, key, erased_at)
VALUES (%(kind)s, %(source)s, %(key)s, %(erased_at)s)
ON CONFLICT (kind, source, key) DO UPDATE SET erased_at = excluded.erased_at
WHERE e.erased_at < excluded.erased_at

-- name: erase_sources
-- The sources of all reviews.
SELECT DISTINCT source FROM core.reviews ORDER BY source

-- name: erase_found
-- The reviews with these ids or authors, of any movie.
SELECT source, imdb_id, review_id, author_key FROM core.reviews
WHERE source = %(source)s AND (review_id = ANY(%(review_ids)s) OR author_key = ANY(%(author_keys)s))

-- name: erase_answers
-- Delete a model's answers about words that no review has any more. Their costs stay, without text.
WITH gone AS (
    DELETE FROM ops.llm_results r
    WHERE r.content_hash = ANY(%(hashes)s) AND NOT core.has_words(r.content_hash)
    RETURNING key
), calls AS (
    UPDATE ops.llm_calls c SET key = NULL FROM gone WHERE c.key = gone.key
)
SELECT key FROM gone

-- name: erase_reviews
-- Revisions, analyses, scores and people's labels go with their reviews; the counts are those from before.
WITH gone AS (
    DELETE FROM core.reviews
    WHERE imdb_id = %(imdb_id)s AND source = %(source)s
      AND (review_id = ANY(%(review_ids)s) OR author_key = ANY(%(author_keys)s))
    RETURNING source, review_id, content_hash
), revisions AS (
    SELECT r.content_hash FROM core.review_revisions r JOIN gone USING (source, review_id)
), analyses AS (
    SELECT a.content_hash FROM core.review_analyses a JOIN gone USING (source, review_id)
)
SELECT (SELECT count(*) FROM gone) AS reviews,
       (SELECT count(*) FROM revisions) + (SELECT count(*) FROM analyses)
       + (SELECT count(*) FROM core.aspect_scores JOIN gone USING (source, review_id))
       + (SELECT count(*) FROM core.audits JOIN gone USING (source, review_id))
       + (SELECT count(*) FROM core.audit_labels JOIN gone USING (source, review_id)) AS others,
       ARRAY(SELECT content_hash FROM gone UNION TABLE revisions UNION TABLE analyses) AS hashes

-- name: erase_movie
-- Everything of a movie that was seen up to its erasure, but for its own row and its facts.
WITH reviews AS (
    DELETE FROM core.reviews
    WHERE imdb_id = %(imdb_id)s AND first_seen_at <= %(erased_at)s
    RETURNING source, review_id, content_hash
), revisions AS (
    SELECT r.content_hash FROM core.review_revisions r JOIN reviews USING (source, review_id)
), analyses AS (
    SELECT a.content_hash FROM core.review_analyses a JOIN reviews USING (source, review_id)
), snapshots AS (
    DELETE FROM core.movie_snapshots
    WHERE imdb_id = %(imdb_id)s AND taken_at <= %(erased_at)s RETURNING 1
), collections AS (
    DELETE FROM ops.collections
    WHERE imdb_id = %(imdb_id)s AND coalesce(started_at, queued_at) <= %(erased_at)s RETURNING 1
), checks AS (
    DELETE FROM ops.movie_checks
    WHERE imdb_id = %(imdb_id)s AND checked_at <= %(erased_at)s RETURNING 1
), loads AS (
    DELETE FROM ops.loads
    WHERE imdb_id = %(imdb_id)s AND collected_at <= %(erased_at)s RETURNING 1
), lost AS (
    DELETE FROM ops.lost_objects
    WHERE imdb_id = %(imdb_id)s AND collected_at <= %(erased_at)s RETURNING 1
), quality AS (
    DELETE FROM ops.quality_checks
    WHERE imdb_id = %(imdb_id)s AND collected_at <= %(erased_at)s RETURNING 1
), tags AS (
    DELETE FROM core.movie_tags
    WHERE imdb_id = %(imdb_id)s AND noted_at <= %(erased_at)s RETURNING 1
), posters AS (
    DELETE FROM core.movie_posters
    WHERE imdb_id = %(imdb_id)s AND fetched_at <= %(erased_at)s RETURNING 1
), tracked AS (
    DELETE FROM core.tracked
    WHERE imdb_id = %(imdb_id)s AND tracked_since <= %(erased_at)s RETURNING 1
), calibrations AS (
    DELETE FROM core.calibrations WHERE imdb_id = %(imdb_id)s
      AND coalesce(calibrated_at, '-infinity') <= %(erased_at)s RETURNING 1
)
SELECT (SELECT count(*) FROM reviews) AS reviews,
       (SELECT count(*) FROM revisions) + (SELECT count(*) FROM analyses)
       + (SELECT count(*) FROM core.aspect_scores JOIN reviews USING (source, review_id))
       + (SELECT count(*) FROM core.audits JOIN reviews USING (source, review_id))
       + (SELECT count(*) FROM core.audit_labels JOIN reviews USING (source, review_id))
       + (SELECT count(*) FROM snapshots) + (SELECT count(*) FROM collections)
       + (SELECT count(*) FROM checks) + (SELECT count(*) FROM loads)
       + (SELECT count(*) FROM quality) + (SELECT count(*) FROM lost)
       + (SELECT count(*) FROM tags) + (SELECT count(*) FROM posters)
       + (SELECT count(*) FROM tracked)
       + (SELECT count(*) FROM calibrations) AS others,
       ARRAY(SELECT content_hash FROM reviews UNION TABLE revisions UNION TABLE analyses) AS hashes

-- name: erase_movie_calls
-- What was paid for an erased movie stays, without the movie.
UPDATE ops.llm_calls SET imdb_id = NULL
WHERE imdb_id = %(imdb_id)s AND started_at <= %(erased_at)s

-- name: erase_movie_facts
-- For a movie that is tracked again: drop the facts that no page has named since its erasure.
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

-- name: erase_movie_row
-- Delete a movie of which nothing newer than its erasure is known, with its events; a row for each.
WITH gone AS (
    DELETE FROM core.movies m
    WHERE m.imdb_id = %(imdb_id)s AND m.facts_as_of <= %(erased_at)s
      AND NOT EXISTS (SELECT FROM jsonb_each_text(m.fact_times) t WHERE core.fact_seen_at(t.value) > %(erased_at)s)
      AND NOT EXISTS (SELECT FROM core.reviews r WHERE r.imdb_id = m.imdb_id)
      AND NOT EXISTS (SELECT FROM core.movie_snapshots s WHERE s.imdb_id = m.imdb_id)
      AND NOT EXISTS (SELECT FROM ops.loads l WHERE l.imdb_id = m.imdb_id)
    RETURNING m.imdb_id
)
TABLE gone
UNION ALL
SELECT imdb_id FROM core.movie_events JOIN gone USING (imdb_id)
