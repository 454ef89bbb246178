-- What may be kept for a time only.

-- name: retention_movies
-- Movies that may have texts whose time is over, a batch at a time.
SELECT source, imdb_id
FROM (SELECT source, imdb_id FROM core.reviews
      WHERE removed_at <= %(cutoff)s AND (title IS NOT NULL OR body IS NOT NULL)
      UNION
      SELECT source, imdb_id FROM core.review_revisions
      WHERE replaced_at <= %(cutoff)s AND (title IS NOT NULL OR body IS NOT NULL)) m
WHERE (source, imdb_id) > (%(source)s, %(imdb_id)s)
ORDER BY source, imdb_id
LIMIT 200

-- name: retention_texts
-- Texts of a movie whose time is over: every place that holds them, the review or an earlier version
-- of it, was removed or replaced by the cutoff.
SELECT review_id, content_hash, bool_or(is_current) AS is_current, max(language) AS language
FROM (SELECT review_id, content_hash, coalesce(removed_at, 'infinity') AS until, true AS is_current,
             language, title IS NOT NULL OR body IS NOT NULL AS has_text
      FROM core.reviews WHERE imdb_id = %(imdb_id)s AND source = %(source)s
      UNION ALL
      SELECT review_id, content_hash, replaced_at, false, NULL,
             title IS NOT NULL OR body IS NOT NULL
      FROM core.review_revisions WHERE imdb_id = %(imdb_id)s AND source = %(source)s) held
GROUP BY review_id, content_hash
HAVING max(until) <= %(cutoff)s AND bool_or(has_text)
ORDER BY review_id, content_hash

-- name: retention_drop
WITH texts AS (
    SELECT %(source)s::text AS source, t.review_id, t.content_hash
    FROM unnest(%(review_ids)s::text[], %(hashes)s::text[]) AS t (review_id, content_hash)
), reviews AS (
    UPDATE core.reviews r SET title = NULL, body = NULL FROM texts t
    WHERE (r.source, r.review_id, r.content_hash) = (t.source, t.review_id, t.content_hash)
      AND (r.title IS NOT NULL OR r.body IS NOT NULL) RETURNING 1
), revisions AS (
    UPDATE core.review_revisions r SET title = NULL, body = NULL FROM texts t
    WHERE (r.source, r.review_id, r.content_hash) = (t.source, t.review_id, t.content_hash)
      AND (r.title IS NOT NULL OR r.body IS NOT NULL) RETURNING 1
), quotes AS (
    UPDATE core.aspect_scores s SET quote = NULL, quote_start = NULL FROM texts t
    WHERE (s.source, s.review_id, s.content_hash) = (t.source, t.review_id, t.content_hash)
      AND s.quote_start IS NOT NULL RETURNING 1
), overall_quotes AS (
    UPDATE core.review_analyses a SET overall_quote = NULL, overall_quote_start = NULL FROM texts t
    WHERE (a.source, a.review_id, a.content_hash) = (t.source, t.review_id, t.content_hash)
      AND a.overall_quote_start IS NOT NULL RETURNING 1
)
SELECT (SELECT count(*) FROM reviews) + (SELECT count(*) FROM revisions) AS texts,
       (SELECT count(*) FROM quotes) + (SELECT count(*) FROM overall_quotes) AS quotes

-- name: retention_answers
-- Drop the quotes of answers about words that no review has any more.
WITH answers AS (
    SELECT r.key, (r.overall_quote IS NOT NULL)::integer
           + (SELECT count(*) FROM jsonb_array_elements(r.aspects) a WHERE a ->> 'quote' IS NOT NULL)
               AS quotes
    FROM ops.llm_results r
    WHERE r.content_hash = ANY(%(hashes)s) AND NOT core.has_words(r.content_hash)
), dropped AS (
    UPDATE ops.llm_results r SET overall_quote = NULL, overall_quote_start = NULL, aspects = (
        SELECT coalesce(jsonb_agg(a || '{"quote": null, "quote_start": null}' ORDER BY n), '[]')
        FROM jsonb_array_elements(r.aspects) WITH ORDINALITY AS given (a, n))
    FROM answers WHERE r.key = answers.key AND answers.quotes > 0
    RETURNING answers.quotes
)
SELECT coalesce(sum(quotes), 0)::integer AS quotes FROM dropped

-- name: retention_hours
WITH gone AS (DELETE FROM ops.host_hours WHERE hour <= %(cutoff)s RETURNING 1)
SELECT count(*) AS hours FROM gone
