-- Which collections the warehouse holds, so that a late one is told and the order can be replayed
-- (docs/adr/0015). A run's line in ops.collections says how its last try went; a run that was tried
-- twice has loaded two manifests.
CREATE TABLE ops.loads (
    manifest_uri  text PRIMARY KEY,
    source        text NOT NULL,
    imdb_id       text NOT NULL,
    collected_at  timestamptz NOT NULL,
    is_whole      boolean NOT NULL,
    loaded_at     timestamptz NOT NULL DEFAULT now(),
    inserted_rows integer NOT NULL,
    revised_rows  integer NOT NULL,
    updated_rows  integer NOT NULL,
    removed_rows  integer NOT NULL
);
CREATE INDEX loads_by_movie ON ops.loads (imdb_id, source, collected_at);
COMMENT ON TABLE ops.loads IS 'One row per collection that was loaded, and what it changed.';
COMMENT ON COLUMN ops.loads.manifest_uri IS 'Where in the lake it is.';
COMMENT ON COLUMN ops.loads.source IS 'Where the reviews stand.';
COMMENT ON COLUMN ops.loads.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.loads.collected_at IS 'Its start (UTC): the order in which collections count.';
COMMENT ON COLUMN ops.loads.is_whole IS 'Full and complete, so that what it lacked was gone.';
COMMENT ON COLUMN ops.loads.loaded_at IS 'When it was loaded (UTC).';
COMMENT ON COLUMN ops.loads.inserted_rows IS 'Reviews new to us.';
COMMENT ON COLUMN ops.loads.revised_rows IS 'Reviews whose words, stars, day or mark had changed.';
COMMENT ON COLUMN ops.loads.updated_rows IS 'Rows rewritten: revised, other votes, or seen again.';
COMMENT ON COLUMN ops.loads.removed_rows IS 'Reviews that were gone.';

INSERT INTO ops.loads (manifest_uri, source, imdb_id, collected_at, is_whole, loaded_at,
    inserted_rows, revised_rows, updated_rows, removed_rows)
SELECT manifest_uri, source, imdb_id, started_at, mode = 'full' AND status = 'complete', loaded_at,
       coalesce(inserted_rows, 0), coalesce(revised_rows, 0), coalesce(updated_rows, 0),
       coalesce(removed_rows, 0)
FROM ops.collections
WHERE loaded_at IS NOT NULL AND manifest_uri IS NOT NULL AND started_at IS NOT NULL;

ALTER TABLE ops.collections DROP CONSTRAINT collections_mode_check;
ALTER TABLE ops.collections ADD CONSTRAINT collections_mode_check
    CHECK (mode IN ('incremental', 'full', 'import'));
COMMENT ON COLUMN ops.collections.mode IS 'incremental, full, or import (from files).';

-- Each fact has its own time, so that whichever page is stored first, the newest that says something
-- of it counts.
ALTER TABLE core.movies ADD COLUMN fact_times jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN core.movies.fact_times IS 'When the page that says each fact was fetched (UTC), by column.';
UPDATE core.movies m SET fact_times = (
    SELECT jsonb_object_agg(f.key, m.facts_as_of)
    FROM jsonb_each(to_jsonb(m)) f
    WHERE f.key IN ('title', 'original_title', 'year', 'release_date', 'runtime_minutes', 'genres',
                    'directors', 'cast_names', 'plot', 'poster_url')
      AND f.value NOT IN ('null', '[]'));

-- Facts of a page of unknown age stand before the year 1000, the later it came the earlier, so that any
-- dated page counts more. This is the moment at which such a page came.
CREATE FUNCTION core.fact_seen_at(fact_time text) RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN CASE WHEN fact_time::timestamptz < '1000-01-01 00:00+00'
        THEN '1970-01-01 00:00+00'::timestamptz
             + ('1000-01-01 00:00+00'::timestamptz - fact_time::timestamptz)
        ELSE fact_time::timestamptz END;
COMMENT ON FUNCTION core.fact_seen_at IS 'When a fact in core.movies.fact_times was seen.';
