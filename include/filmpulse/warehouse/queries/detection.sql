-- Which movies are due, and what a look at one gave.

-- name: begin_detection
-- Note a run of the detector at all live sites, and which movies are tracked; what the marts show is made from
-- it. What a source that is no longer live knows is of no movie that it is asked about.
WITH listed AS (
    UPDATE ops.movie_checks k SET is_tracked = NOT k.is_tracked
    WHERE k.is_tracked
          <> (k.source = ANY(%(live)s::text[]) AND k.imdb_id = ANY(%(imdb_ids)s::text[]))
)
INSERT INTO ops.detections AS d (source, started_at, tracked, is_few)
SELECT site, %(since)s, cardinality(%(imdb_ids)s::text[]), %(is_few)s FROM unnest(%(sites)s::text[]) site
ON CONFLICT (source, started_at) DO UPDATE SET tracked = excluded.tracked, is_few = excluded.is_few

-- name: waiting_movies
-- Tracked movies that a source was not asked about in the run that began at `since`; those that are to be looked
-- at before the next hour are due. First comes what was never looked at and stands in the Variable, then what is
-- most intervals late; what waits in the table for its first look counts as daily. A look in the future is that
-- of a clock that was wrong.
SELECT t.imdb_id, coalesce(l.every, interval '1 hour') AS every, coalesce(l.is_wrong OR l.due_at
       <= %(since)s::timestamptz + interval '1 hour', true) AS is_due
FROM unnest(%(imdb_ids)s::text[]) WITH ORDINALITY AS t (imdb_id, position)
LEFT JOIN (
    SELECT *, looked_at > %(since)s::timestamptz + interval '2 hours' AS is_wrong
    FROM mart.looks(%(since)s) WHERE source = %(source)s
) l ON l.imdb_id = t.imdb_id
LEFT JOIN core.tracked r ON r.imdb_id = t.imdb_id
WHERE l.looked_at IS NULL OR l.is_wrong OR l.looked_at < %(since)s
ORDER BY CASE WHEN NOT l.is_wrong THEN l.lateness
              WHEN l.looked_at IS NULL
                  THEN extract(epoch FROM %(since)s - r.tracked_since)::double precision / 86400 END
         DESC NULLS FIRST, t.position

-- name: end_round
-- Note what a round of the detector left: movies that are still due, and those without any look.
UPDATE ops.detections d SET
    looked = n.looked, due = n.looked + %(left_over)s, unseen = greatest(d.tracked - n.seen, 0)
FROM (SELECT count(*) FILTER (WHERE checked_at BETWEEN %(since)s AND %(since)s::timestamptz + interval '2 hours')
                 AS looked,
             count(*) FILTER (WHERE is_tracked) AS seen
      FROM ops.movie_checks WHERE source = %(source)s) n
WHERE (d.source, d.started_at) = (%(source)s, %(since)s)

-- name: detections
SELECT due, looked FROM ops.detections WHERE (source, started_at) = (%(source)s, %(since)s)

-- name: record_check
INSERT INTO ops.movie_checks AS c (source, imdb_id, checked_at, outcome, reason, sentence,
    review_count, counted_at, mode)
VALUES (%(source)s, %(imdb_id)s, %(checked_at)s, %(outcome)s, %(reason)s, %(sentence)s,
        %(review_count)s, CASE WHEN %(review_count)s::integer IS NOT NULL
                               THEN %(checked_at)s::timestamptz END, %(mode)s)
ON CONFLICT (imdb_id, source) DO UPDATE SET
    checked_at = excluded.checked_at, outcome = excluded.outcome, reason = excluded.reason,
    sentence = excluded.sentence, mode = excluded.mode, is_tracked = true,
    review_count = coalesce(excluded.review_count, c.review_count),
    counted_at = coalesce(excluded.counted_at, c.counted_at),
    pace = mart.new_pace(c.pace, excluded.review_count - c.review_count,
        extract(epoch FROM excluded.counted_at - c.counted_at)::double precision / 86400)

-- name: checks_since
SELECT source, imdb_id, checked_at, outcome, reason, sentence, review_count, mode
FROM ops.movie_checks
WHERE imdb_id = ANY(%(imdb_ids)s) AND checked_at >= %(since)s
ORDER BY imdb_id, source

-- name: collection_history
-- What tells a site's news from no news. An imported file is no collection of the site: it tells
-- nothing of the site's list.
WITH known AS (
    SELECT *, coalesce(started_at, queued_at) AS attempted_at,
           -- The count at its start: newest first, what arrived meanwhile was not on its pages.
           coalesce(review_count_start, review_count_end) AS review_count
    FROM ops.collections
    WHERE source = %(source)s AND imdb_id = %(imdb_id)s
), loaded AS (
    SELECT * FROM known WHERE loaded_at IS NOT NULL AND mode <> 'import'
), finished AS (
    SELECT * FROM loaded WHERE status IN ('complete', 'partial', 'gated')
), newest AS (
    SELECT status, review_count FROM finished ORDER BY started_at DESC LIMIT 1
)
SELECT (SELECT status FROM newest) AS status, (SELECT review_count FROM newest) AS review_count,
       -- The count when the list could last be read, or when it was first found gated. Later retries
       -- at the gate do not move it; a later saved page with a higher count does: it was read.
       (SELECT greatest(b.review_count, (
                   SELECT max(coalesce(i.review_count_end, i.review_count_start)) FROM known i
                   WHERE i.mode = 'import' AND i.status <> 'gated' AND i.loaded_at IS NOT NULL
                     AND i.started_at > b.started_at))
        FROM (SELECT started_at, review_count FROM finished
              WHERE review_count IS NOT NULL
              ORDER BY status = 'gated', CASE WHEN status = 'gated' THEN started_at END,
                       started_at DESC
              LIMIT 1) b) AS read_count,
       -- The last one loaded broke off before its end, or the list grew shorter under it. (A list
       -- that ended short of the site's own count has no gap: there was no more to read.)
       (SELECT (status <> 'complete' AND reason IS DISTINCT FROM 'count_mismatch')
               OR (mode = 'full' AND review_count_end < review_count_start)
        FROM loaded ORDER BY started_at DESC LIMIT 1) AS has_gap,
       (SELECT max(attempted_at) FROM known WHERE mode = 'full') AS full_attempt_at,
       (SELECT max(attempted_at) FROM loaded
        WHERE mode = 'full' AND (mart.ended_well(status, mode) OR reason = 'count_mismatch'))
           AS full_finished_at,
       (SELECT max(attempted_at) FROM known WHERE mode <> 'import') AS attempt_at

-- name: stored_release
-- The release date of a movie, which nobody else can change before the transaction ends.
SELECT release_date FROM core.movies WHERE imdb_id = %(imdb_id)s FOR NO KEY UPDATE

-- name: stream_history
-- Up to when a stream's news is known: the last drain from which a collection was loaded.
SELECT max(started_at) AS read_until FROM ops.collections
WHERE source = %(source)s AND imdb_id = %(imdb_id)s AND loaded_at IS NOT NULL AND mode = 'stream'

-- name: open_runs
-- Runs that may still be at work on a movie; `is_fresh`: a sign of life shows that they are.
SELECT run_id, bool_or(is_fresh) AS is_fresh
FROM (SELECT run_id, mart.is_alive(heartbeat_at) AS is_fresh FROM ops.collections
      WHERE source = %(source)s AND imdb_id = %(imdb_id)s AND status IN ('queued', 'running')
      UNION
      SELECT triggered_run, false FROM ops.movie_checks
      WHERE source = %(source)s AND imdb_id = %(imdb_id)s AND triggered_run IS NOT NULL) r
GROUP BY run_id

-- name: mark_triggered
UPDATE ops.movie_checks SET triggered_run = %(run_id)s, triggered_mode = mode
WHERE imdb_id = ANY(%(imdb_ids)s) AND outcome = 'news'
  AND checked_at >= %(since)s

-- name: triggered_sources
-- Which sources had the news that a run was started for.
SELECT imdb_id, source, triggered_mode AS mode FROM ops.movie_checks
WHERE triggered_run = %(run_id)s AND imdb_id = ANY(%(imdb_ids)s)
ORDER BY imdb_id, source

-- name: begin_drain
-- How far a stream was read; its row is locked until the transaction ends.
INSERT INTO ops.streams (source) VALUES (%(source)s)
ON CONFLICT (source) DO UPDATE SET source = excluded.source
RETURNING cursor, drained_at, gapless_since

-- name: end_drain
UPDATE ops.streams SET cursor = %(cursor)s, drained_at = %(drained_at)s,
    gapless_since = %(gapless_since)s
WHERE source = %(source)s

-- name: movies_of_reviews
-- The movie of each of a source's reviews.
SELECT review_id, imdb_id FROM core.reviews
WHERE source = %(source)s AND review_id = ANY(%(review_ids)s)
