-- What the detector's cadence is made from (docs/adr/0047).
ALTER TABLE ops.movie_checks ADD COLUMN pace double precision CHECK (pace >= 0);
ALTER TABLE ops.movie_checks ADD COLUMN counted_at timestamptz;
ALTER TABLE ops.movie_checks ADD COLUMN is_tracked boolean NOT NULL DEFAULT true;
UPDATE ops.movie_checks SET counted_at = checked_at WHERE review_count IS NOT NULL;
COMMENT ON COLUMN ops.movie_checks.outcome IS 'news, no_news, unfinished, busy, not_found, layout_changed, blocked or failed.';
COMMENT ON COLUMN ops.movie_checks.pace IS 'By how many reviews a day the site''s count changed of late; null before two counts are known.';
COMMENT ON COLUMN ops.movie_checks.counted_at IS 'The last look that told a count (UTC); null before.';
COMMENT ON COLUMN ops.movie_checks.is_tracked IS 'Whether the movie was tracked, and the source live, when the detector last began.';

ALTER TABLE ops.host_state ADD COLUMN gap_seconds double precision;
COMMENT ON COLUMN ops.host_state.gap_seconds IS 'Least time between two requests, as of the last one; null before.';

CREATE TABLE ops.detections (
    source     text NOT NULL,
    started_at timestamptz NOT NULL,
    tracked    integer NOT NULL CHECK (tracked >= 0),
    unseen     integer NOT NULL DEFAULT 0 CHECK (unseen >= 0),
    due        integer NOT NULL DEFAULT 0 CHECK (due >= 0),
    looked     integer NOT NULL DEFAULT 0 CHECK (looked >= 0),
    is_few     boolean NOT NULL,
    PRIMARY KEY (source, started_at)
);
COMMENT ON TABLE ops.detections IS 'One row per run of the detector and site: how many movies were due, and how many were looked at.';
COMMENT ON COLUMN ops.detections.source IS 'The site.';
COMMENT ON COLUMN ops.detections.started_at IS 'Start of the run (UTC).';
COMMENT ON COLUMN ops.detections.tracked IS 'Tracked movies.';
COMMENT ON COLUMN ops.detections.unseen IS 'Of these, how many were never looked at, as of the end of the run''s last round.';
COMMENT ON COLUMN ops.detections.due IS 'Movies that were due in this run.';
COMMENT ON COLUMN ops.detections.looked IS 'Of these, how many were looked at.';
COMMENT ON COLUMN ops.detections.is_few IS 'Whether the list was so short that every movie is due hourly.';

-- When somebody last had a movie read: the ids of the detector's own runs begin with detected__.
CREATE INDEX collections_asked ON ops.collections (imdb_id, queued_at)
    WHERE mode <> 'import' AND NOT starts_with(run_id, 'detected__');
