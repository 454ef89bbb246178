-- A movie of which nothing newer than its erasure is known, and with it what people noted of it; a
-- row for each.
WITH gone AS (
    DELETE FROM core.movies m
    WHERE m.imdb_id = %(imdb_id)s AND m.facts_as_of <= %(erased_at)s
      AND NOT EXISTS (SELECT FROM jsonb_each_text(m.fact_times) t WHERE core.fact_seen_at(t.value) > %(erased_at)s)
      AND NOT EXISTS (SELECT FROM core.reviews r WHERE r.imdb_id = m.imdb_id)
      AND NOT EXISTS (SELECT FROM core.movie_snapshots s WHERE s.imdb_id = m.imdb_id)
      AND NOT EXISTS (SELECT FROM ops.loads l WHERE l.imdb_id = m.imdb_id)
    RETURNING m.imdb_id
)
TABLE gone
UNION ALL
SELECT imdb_id FROM core.movie_events JOIN gone USING (imdb_id)
