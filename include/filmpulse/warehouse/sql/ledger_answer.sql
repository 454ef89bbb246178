-- The first answer stays. A text that was erased meanwhile has no row any more.
UPDATE ops.llm_results r SET status = %(status)s, overall = %(overall)s,
    overall_quote = %(overall_quote)s, overall_quote_start = %(overall_quote_start)s,
    aspects = %(aspects)s, finished_at = now(), leased_until = NULL, leased_by = c.call_id
FROM ops.llm_calls c
WHERE c.call_id = %(call_id)s AND r.key = c.key AND r.status IS NULL
