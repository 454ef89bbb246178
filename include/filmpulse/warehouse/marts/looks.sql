-- One row per movie and source that was ever looked at. A function of time, so that a run of the detector
-- decides as of its start.
CREATE FUNCTION mart.looks(at timestamptz) RETURNS TABLE (
    imdb_id text, source text, is_tracked boolean, reason text, cadence text, every interval,
    pace double precision, looked_at timestamptz, due_at timestamptz, lateness double precision)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
    SELECT k.imdb_id, k.source, k.is_tracked, c.reason, c.cadence, c.every, k.pace, k.checked_at,
           k.checked_at + c.every,
           -- In intervals of its own, so that who waits longer comes first, and nothing waits for ever.
           (extract(epoch FROM at - k.checked_at) / extract(epoch FROM c.every))::double precision - 1
    FROM ops.movie_checks k
    LEFT JOIN ops.sources s ON s.source = k.source
    LEFT JOIN core.movies m ON m.imdb_id = k.imdb_id
    LEFT JOIN LATERAL (
        SELECT d.is_few FROM ops.detections d WHERE d.source = k.source
        ORDER BY d.started_at DESC LIMIT 1
    ) d ON true
    LEFT JOIN LATERAL (
        -- The ids of the detector's own runs begin so.
        SELECT max(o.queued_at) AS asked_at FROM ops.collections o
        WHERE o.imdb_id = k.imdb_id AND o.mode <> 'import' AND NOT starts_with(o.run_id, 'detected__')
    ) o ON true
    JOIN LATERAL (
        SELECT r.reason, r.cadence, make_interval(hours => r.every_hours) AS every FROM mart.cadences r
        WHERE r.reason = mart.look_reason(coalesce(s.kind = 'stream', false), d.is_few, k.outcome, o.asked_at,
                                          m.release_date, k.pace, at)
    ) c ON true;
    END;
COMMENT ON FUNCTION mart.looks IS 'When each source is asked about each movie again, as of a time: a row for each that was ever looked at.';
