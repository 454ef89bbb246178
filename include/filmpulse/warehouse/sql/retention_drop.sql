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
