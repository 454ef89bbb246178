INSERT INTO core.review_analyses AS a (source, review_id, content_hash, analyser_id, imdb_id, status,
    overall, input_tokens, output_tokens, cost_usd)
VALUES (%(source)s, %(review_id)s, %(content_hash)s, %(analyser_id)s, %(imdb_id)s, %(status)s,
    %(overall)s, %(input_tokens)s, %(output_tokens)s, %(cost_usd)s)
ON CONFLICT (source, review_id, content_hash, analyser_id) DO UPDATE SET
    status = excluded.status, overall = excluded.overall, input_tokens = excluded.input_tokens,
    output_tokens = excluded.output_tokens, cost_usd = excluded.cost_usd
WHERE a.status IN ('failed', 'over_budget')
