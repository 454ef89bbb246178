-- The first answer stays. A text that was erased meanwhile has no row any more; of one whose words were
-- dropped no quotes are kept.
UPDATE ops.llm_results r SET status = %(status)s, overall = %(overall)s,
    overall_quote = CASE WHEN core.has_words(r.content_hash) THEN %(overall_quote)s END,
    overall_quote_start =
        CASE WHEN core.has_words(r.content_hash) THEN %(overall_quote_start)s::integer END,
    aspects = CASE WHEN core.has_words(r.content_hash) THEN %(aspects)s ELSE %(bare_aspects)s END,
    finished_at = now(), leased_until = NULL, leased_by = c.call_id
FROM ops.llm_calls c
WHERE c.call_id = %(call_id)s AND r.key = c.key AND r.status IS NULL
