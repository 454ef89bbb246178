-- The first answer stays. What was erased while the model read it is not kept.
UPDATE ops.llm_results r SET status = %(status)s, overall = %(overall)s,
    overall_quote = %(overall_quote)s, overall_quote_start = %(overall_quote_start)s,
    aspects = %(aspects)s, finished_at = now(), leased_until = NULL, leased_by = c.call_id
FROM ops.llm_calls c
WHERE c.call_id = %(call_id)s AND r.key = c.key AND r.status IS NULL
  AND EXISTS (SELECT FROM core.reviews v
              WHERE (v.source, v.review_id) = (%(source)s, %(review_id)s))
