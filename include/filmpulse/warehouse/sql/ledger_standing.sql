-- The answer that there was before a call's own.
SELECT r.status, r.overall, r.overall_quote, r.overall_quote_start, r.aspects
FROM ops.llm_results r
JOIN ops.llm_calls c ON c.key = r.key
WHERE c.call_id = %(call_id)s AND r.status IS NOT NULL
