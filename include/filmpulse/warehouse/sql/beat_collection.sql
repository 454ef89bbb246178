UPDATE ops.collections SET heartbeat_at = now() WHERE collection_id = %(collection_id)s
