-- As before, and also where the last collection may be an import.
DROP INDEX ops.collections_last;
CREATE INDEX collections_last ON ops.collections (imdb_id, source, finished_at DESC)
    WHERE finished_at IS NOT NULL;
