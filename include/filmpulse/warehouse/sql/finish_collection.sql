UPDATE ops.collections SET
    status = %(status)s, reason = %(reason)s, sentence = %(sentence)s, started_at = %(started_at)s,
    finished_at = %(finished_at)s, heartbeat_at = now(),
    review_count_start = %(review_count_start)s, review_count_end = %(review_count_end)s,
    distinct_ids = %(distinct_ids)s, variant = %(variant)s, manifest_uri = %(manifest_uri)s
WHERE collection_id = %(collection_id)s
