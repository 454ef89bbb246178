UPDATE ops.llm_calls SET finished_at = now(), outcome = %(outcome)s, http_status = %(http_status)s,
    request_id = %(request_id)s, service_tier = %(service_tier)s, input_tokens = %(input_tokens)s,
    cached_tokens = %(cached_tokens)s, cache_write_tokens = %(cache_write_tokens)s,
    output_tokens = %(output_tokens)s, reasoning_tokens = %(reasoning_tokens)s,
    cost_usd = %(cost_usd)s, quotes_given = %(quotes_given)s, quotes_dropped = %(quotes_dropped)s,
    leniencies = %(leniencies)s, sentence = %(sentence)s
WHERE call_id = %(call_id)s
