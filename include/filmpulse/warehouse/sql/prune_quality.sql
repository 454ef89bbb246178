-- What passed is of no use for long; failures are kept.
DELETE FROM ops.quality_checks
WHERE imdb_id = %(imdb_id)s AND source = %(source)s AND passed IS DISTINCT FROM false
  AND checked_at < now() - make_interval(days => %(days)s) AND manifest_uri <> %(manifest_uri)s
