SELECT key, status, overall, overall_quote, overall_quote_start, aspects
FROM ops.llm_results
WHERE key = ANY(%(keys)s) AND status IS NOT NULL AND NOT mart.is_stale_answer(status, finished_at)
