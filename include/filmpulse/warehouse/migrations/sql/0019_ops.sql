-- Which host a source was last visited at, so that a pause of the host is told of the source's movies.
ALTER TABLE ops.sources ADD COLUMN host text;
COMMENT ON COLUMN ops.sources.host IS 'Host and port at which it was last visited; null before, and for streams.';

-- The last collection of a source, and what is under way, are asked for all movies at once; a movie's
-- collections are shown newest first.
CREATE INDEX collections_last ON ops.collections (imdb_id, source, finished_at DESC)
    WHERE finished_at IS NOT NULL AND mode <> 'import';
CREATE INDEX collections_not_loaded ON ops.collections (imdb_id)
    WHERE loaded_at IS NULL AND mode <> 'import';
CREATE INDEX collections_in_order ON ops.collections (imdb_id, collection_id);
