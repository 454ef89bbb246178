-- Checks of what a collection brought.

-- name: quality_sides
-- Three sides of a movie's current reviews of one source, for comparison: what this collection brought
-- (own), the newest collections that together brought enough, own among them (recent), and the
-- reviews just before those (past).
WITH living AS MATERIALIZED (
    SELECT review_id, first_seen_at, submitted_on, rating_1_10, is_spoiler, has_author, title, body,
           language, helpful_up, helpful_down,
           CASE WHEN octet_length(body) >= %(long_text)s THEN md5(body) END AS words
    FROM mart.current_reviews
    WHERE imdb_id = %(imdb_id)s AND source = %(source)s
      AND first_seen_at <= %(collected_at)s
), edge AS MATERIALIZED (
    SELECT max(first_seen_at) AS at
    FROM (SELECT first_seen_at, sum(count(*)) OVER (ORDER BY first_seen_at DESC) AS total
          FROM living GROUP BY first_seen_at) t
    WHERE total >= %(recent_n)s
), placed AS (
    SELECT l.*,
           first_seen_at >= coalesce(edge.at, '-infinity') AS is_recent,
           row_number() OVER (
               PARTITION BY first_seen_at >= coalesce(edge.at, '-infinity')
               ORDER BY first_seen_at DESC, submitted_on DESC NULLS LAST, review_id) AS position
    FROM living l CROSS JOIN edge
), sided AS MATERIALIZED (
    SELECT s.side, p.*, char_length(p.body) AS characters,
           coalesce(p.helpful_up, 0)::bigint + coalesce(p.helpful_down, 0) >= %(few_votes)s
               AS has_votes
    FROM placed p
    CROSS JOIN LATERAL (VALUES
        ('own', p.first_seen_at = %(collected_at)s),
        ('recent', p.is_recent),
        ('past', NOT p.is_recent AND p.position <= %(past_n)s)) AS s (side, is_in)
    WHERE s.is_in
), languages AS (
    SELECT side, jsonb_object_agg(language, n) AS languages
    FROM (SELECT side, coalesce(language, '') AS language, count(*) AS n
          FROM sided WHERE body IS NOT NULL GROUP BY side, coalesce(language, '')) t
    GROUP BY side
), stars AS (
    SELECT side, jsonb_object_agg(rating_1_10, n) AS stars
    FROM (SELECT side, rating_1_10, count(*) AS n
          FROM sided WHERE rating_1_10 IS NOT NULL GROUP BY side, rating_1_10) t
    GROUP BY side
), usual_length AS (
    SELECT characters FROM sided
    WHERE side = 'recent' AND characters >= %(long_text)s
    GROUP BY characters ORDER BY count(*) DESC, characters DESC LIMIT 1
), repeated AS (
    SELECT words FROM living WHERE words IS NOT NULL GROUP BY words HAVING count(*) > 1
)
SELECT s.side,
       count(*) AS n,
       count(*) FILTER (WHERE rating_1_10 IS NULL) AS unrated,
       count(*) FILTER (WHERE is_spoiler) AS spoilers,
       count(*) FILTER (WHERE submitted_on IS NULL) AS undated,
       count(*) FILTER (WHERE NOT has_author) AS unsigned,
       count(body) AS texts,
       count(*) FILTER (WHERE body IS NOT NULL AND coalesce(title, '') = '') AS untitled,
       count(*) FILTER (WHERE has_votes) AS voted,
       count(*) FILTER (WHERE has_votes AND helpful_down > helpful_up) AS voted_down,
       count(rating_1_10) AS rated,
       count(r.words) AS repeated,
       (SELECT characters FROM usual_length) AS usual_length,
       count(*) FILTER (WHERE characters = (SELECT characters FROM usual_length)) AS at_usual_length,
       (percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY characters)) AS quartiles,
       coalesce((SELECT stars FROM stars t WHERE t.side = s.side), '{}') AS stars,
       coalesce((SELECT languages FROM languages l WHERE l.side = s.side), '{}') AS languages
FROM sided s
LEFT JOIN repeated r USING (words)
GROUP BY s.side

-- name: quality_state
-- What the tables hold after a load, and what this collection changed. `brought` are current reviews
-- that it was the first to see or that it found edited.
WITH edits AS MATERIALIZED (
    -- Each edit, before and after. If a better route's day replaces one from the DOM, that is no edit.
    SELECT b.review_id,
           b.content_hash IS DISTINCT FROM a.content_hash AS has_words,
           b.rating_1_10 IS DISTINCT FROM a.rating_1_10 AS has_stars,
           b.submitted_on IS DISTINCT FROM a.submitted_on
               AND b.date_source IS NOT DISTINCT FROM a.date_source AS has_day,
           b.is_spoiler IS DISTINCT FROM a.is_spoiler AS has_mark
    FROM core.review_revisions b
    CROSS JOIN LATERAL (
        SELECT v.content_hash, v.rating_1_10, v.submitted_on, v.date_source, v.is_spoiler, v.replaced_at
        FROM core.review_revisions v
        WHERE (v.source, v.review_id) = (b.source, b.review_id) AND v.replaced_at > b.replaced_at
        UNION ALL
        SELECT r.content_hash, r.rating_1_10, r.submitted_on, r.date_source, r.is_spoiler, 'infinity'
        FROM core.reviews r WHERE (r.source, r.review_id) = (b.source, b.review_id)
        ORDER BY replaced_at LIMIT 1
    ) a
    WHERE b.imdb_id = %(imdb_id)s AND b.source = %(source)s AND b.replaced_at = %(collected_at)s
), living AS (
    SELECT r.*,
           r.first_seen_at = %(collected_at)s
               OR r.review_id IN (SELECT review_id FROM edits) AS is_brought
    FROM mart.current_reviews r
    WHERE r.imdb_id = %(imdb_id)s AND r.source = %(source)s
), life AS MATERIALIZED (
    SELECT greatest(make_date(m.year - 1, 1, 1), %(no_day_before)s::date) AS first_day,
           ((SELECT max(collected_at) FROM ops.loads
             WHERE imdb_id = m.imdb_id AND source = %(source)s) AT TIME ZONE 'UTC')::date + 1
               AS last_day
    FROM core.movies m WHERE m.imdb_id = %(imdb_id)s
)
SELECT count(*) AS living,
       count(*) FILTER (WHERE is_brought) AS brought,
       life.first_day, life.last_day,
       count(submitted_on) AS dated,
       min(submitted_on) AS earliest, max(submitted_on) AS latest,
       count(*) FILTER (WHERE submitted_on < life.first_day) AS too_early,
       count(*) FILTER (WHERE submitted_on > life.last_day) AS too_late,
       count(*) FILTER (WHERE is_brought AND (submitted_on < life.first_day
                                              OR submitted_on > life.last_day)) AS brought_misdated,
       count(rating_1_10) AS rated,
       count(*) FILTER (WHERE rating_1_10 NOT BETWEEN 1 AND 10) AS off_scale,
       count(body) AS texts,
       count(*) FILTER (WHERE octet_length(body) = 0) AS empty,
       count(*) FILTER (WHERE is_brought AND octet_length(body) = 0) AS brought_empty,
       (SELECT count(*) FROM core.reviews o
        WHERE o.source = %(source)s AND o.review_id = ANY(%(ids)s) AND o.imdb_id <> %(imdb_id)s)
           AS elsewhere,
       (SELECT count(*) FROM core.reviews o
        WHERE o.source = %(source)s AND o.review_id = ANY(%(ids)s) AND o.imdb_id = %(imdb_id)s
          AND o.first_seen_at < %(collected_at)s) AS known,
       (SELECT count(*) FROM edits WHERE has_words OR has_stars OR has_day OR has_mark) AS edited,
       (SELECT count(*) FROM edits WHERE has_words) AS edited_words,
       (SELECT count(*) FROM edits WHERE has_stars) AS edited_stars,
       (SELECT count(*) FROM edits WHERE has_day) AS edited_day,
       (SELECT count(*) FROM edits WHERE has_mark) AS edited_mark,
       (SELECT count(*) FROM core.reviews o
        WHERE o.imdb_id = %(imdb_id)s AND o.source = %(source)s
          AND o.removed_at = %(collected_at)s) AS removed,
       (SELECT q.figure FROM ops.quality_checks q
        WHERE q.imdb_id = %(imdb_id)s AND q.source = %(source)s AND q.check_name = 'coverage'
          AND q.figure IS NOT NULL AND q.collected_at < %(collected_at)s
        ORDER BY q.collected_at DESC LIMIT 1) AS coverage_before,
       ARRAY(SELECT check_name
             FROM (SELECT DISTINCT ON (q.check_name) q.check_name, q.passed
                   FROM ops.quality_checks q
                   WHERE q.imdb_id = %(imdb_id)s AND q.source = %(source)s
                     AND q.passed IS NOT NULL AND q.collected_at < %(collected_at)s
                   ORDER BY q.check_name, q.collected_at DESC) last
             WHERE NOT last.passed) AS failing
FROM life LEFT JOIN living ON true
GROUP BY life.first_day, life.last_day

-- name: record_quality
INSERT INTO ops.quality_checks (manifest_uri, check_name, source, imdb_id, collected_at, passed,
    fails_run, figure, expected_low, expected_high, n, sentence)
VALUES (%(manifest_uri)s, %(name)s, %(source)s, %(imdb_id)s, %(collected_at)s, %(passed)s,
    %(fails_run)s, %(figure)s, %(low)s, %(high)s, %(n)s, %(sentence)s)
ON CONFLICT (manifest_uri, check_name) DO UPDATE SET
    passed = excluded.passed, fails_run = excluded.fails_run, figure = excluded.figure,
    expected_low = excluded.expected_low, expected_high = excluded.expected_high, n = excluded.n,
    sentence = excluded.sentence, checked_at = now()

-- name: collections_quality
-- What failed after loading these collections, the worst first.
SELECT q.manifest_uri, q.imdb_id, coalesce(m.original_title, m.title) AS title, q.check_name,
       q.fails_run, q.sentence
FROM ops.quality_checks q
JOIN core.movies m USING (imdb_id)
WHERE q.manifest_uri = ANY(%(manifest_uris)s) AND NOT q.passed
ORDER BY q.imdb_id, q.manifest_uri, q.fails_run DESC, q.check_name

-- name: quality_failed
-- What is wrong with a movie's reviews at present, in sentences.
SELECT rtrim(sentence, '.') || ' (' || check_name || ', ' || to_char(collected_at, 'YYYY-MM-DD') || ')'
FROM mart.quality_checks
WHERE imdb_id = %(imdb_id)s AND is_latest AND verdict = 'fail'
ORDER BY source, check_name

-- name: prune_quality
-- Failures are kept; other verdicts only for some days.
DELETE FROM ops.quality_checks
WHERE imdb_id = %(imdb_id)s AND source = %(source)s AND passed IS DISTINCT FROM false
  AND checked_at < now() - make_interval(days => %(days)s) AND manifest_uri <> %(manifest_uri)s
