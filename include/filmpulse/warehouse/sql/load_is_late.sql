-- A collection is late when one that began after it has been loaded already.
SELECT EXISTS (
    SELECT FROM ops.collections
    WHERE imdb_id = %(imdb_id)s AND source = %(source)s AND loaded_at IS NOT NULL
      AND started_at > %(collected_at)s
)
