UPDATE ops.llm_results SET leased_until = now()
WHERE leased_by = %(call_id)s AND status IS NULL
