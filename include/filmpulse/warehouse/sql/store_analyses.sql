-- An answer with its aspects; the first final one to a text stays, whole. Quotes of words that nobody
-- holds any more are not kept.
WITH stored AS (
    INSERT INTO core.review_analyses AS a (source, review_id, content_hash, analyser_id, imdb_id,
        status, overall, overall_quote, overall_quote_start, input_tokens, output_tokens, cost_usd)
    SELECT %(source)s, %(review_id)s, %(content_hash)s, %(analyser_id)s::integer, %(imdb_id)s,
        %(status)s, %(overall)s::smallint,
        CASE WHEN core.has_words(%(content_hash)s) THEN %(overall_quote)s END,
        CASE WHEN core.has_words(%(content_hash)s) THEN %(overall_quote_start)s::integer END,
        %(input_tokens)s::integer, %(output_tokens)s::integer, %(cost_usd)s::numeric
    -- A review may be erased while it is read; the others of the step are stored all the same.
    FROM core.reviews r WHERE (r.source, r.review_id) = (%(source)s, %(review_id)s) FOR KEY SHARE
    ON CONFLICT (source, review_id, content_hash, analyser_id) DO UPDATE SET
        status = excluded.status, overall = excluded.overall,
        overall_quote = excluded.overall_quote, overall_quote_start = excluded.overall_quote_start,
        -- What an attempt in vain had cost is part of the price.
        input_tokens = coalesce(a.input_tokens + excluded.input_tokens, excluded.input_tokens,
                                a.input_tokens),
        output_tokens = coalesce(a.output_tokens + excluded.output_tokens, excluded.output_tokens,
                                 a.output_tokens),
        cost_usd = coalesce(a.cost_usd + excluded.cost_usd, excluded.cost_usd, a.cost_usd)
    -- An unreadable answer stays until another one takes its place.
    WHERE (NOT mart.is_final(a.status) OR (a.status = 'invalid' AND mart.is_final(excluded.status)))
      AND (a.status <> excluded.status OR excluded.cost_usd IS NOT NULL)
    RETURNING source, review_id, content_hash, analyser_id, imdb_id
)
INSERT INTO core.aspect_scores (source, review_id, content_hash, analyser_id, imdb_id, aspect, score,
    quote, quote_start)
SELECT s.source, s.review_id, s.content_hash, s.analyser_id, s.imdb_id, x.aspect, x.score,
       CASE WHEN core.has_words(s.content_hash) THEN x.quote END,
       CASE WHEN core.has_words(s.content_hash) THEN x.quote_start END
FROM stored s
CROSS JOIN jsonb_to_recordset(%(aspects)s::jsonb)
    AS x (aspect text, score smallint, quote text, quote_start integer)
