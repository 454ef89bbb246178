-- What stands in the tables after a load, and what this collection did to them. `brought` are
-- living reviews that it was the first to see or that it found edited.
WITH edits AS MATERIALIZED (
    -- Each edit, before and after. A better route's day that replaces a day off the DOM is none.
    SELECT b.review_id,
           b.content_hash IS DISTINCT FROM coalesce(a.content_hash, r.content_hash) AS has_words,
           b.rating_1_10 IS DISTINCT FROM
               CASE WHEN a.review_id IS NULL THEN r.rating_1_10 ELSE a.rating_1_10 END AS has_stars,
           b.submitted_on IS DISTINCT FROM
               CASE WHEN a.review_id IS NULL THEN r.submitted_on ELSE a.submitted_on END
               AND b.date_source IS NOT DISTINCT FROM
                   CASE WHEN a.review_id IS NULL THEN r.date_source ELSE a.date_source END AS has_day,
           b.is_spoiler IS DISTINCT FROM coalesce(a.is_spoiler, r.is_spoiler) AS has_mark
    FROM core.review_revisions b
    JOIN core.reviews r USING (source, review_id)
    LEFT JOIN LATERAL (
        SELECT * FROM core.review_revisions later
        WHERE (later.source, later.review_id) = (b.source, b.review_id)
          AND later.replaced_at > b.replaced_at
        ORDER BY later.replaced_at LIMIT 1
    ) a ON true
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
