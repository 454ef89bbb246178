UPDATE ops.llm_results r SET leased_until = now()
FROM ops.llm_calls c
WHERE c.call_id = %(call_id)s AND r.key = c.key AND r.leased_by = c.call_id
  AND r.status IS NULL
