INSERT INTO core.review_analyses AS a (source, review_id, content_hash, analyser_id, imdb_id, status,
    overall, overall_quote, overall_quote_start, input_tokens, output_tokens, cost_usd)
SELECT %(source)s, %(review_id)s, %(content_hash)s, %(analyser_id)s::integer, %(imdb_id)s, %(status)s,
    %(overall)s::smallint, %(overall_quote)s, %(overall_quote_start)s::integer,
    %(input_tokens)s::integer, %(output_tokens)s::integer, %(cost_usd)s::numeric
-- A review may be erased while it is read; the others of the step are stored all the same.
FROM core.reviews r WHERE (r.source, r.review_id) = (%(source)s, %(review_id)s) FOR KEY SHARE
ON CONFLICT (source, review_id, content_hash, analyser_id) DO UPDATE SET
    status = excluded.status, overall = excluded.overall, overall_quote = excluded.overall_quote,
    overall_quote_start = excluded.overall_quote_start, input_tokens = excluded.input_tokens,
    output_tokens = excluded.output_tokens, cost_usd = excluded.cost_usd
WHERE a.status IN ('failed', 'over_budget') AND a.status <> excluded.status
