-- A function of time, so that a run of the detector decides as of its start.
CREATE FUNCTION mart.looks(at timestamptz) RETURNS TABLE (
    imdb_id text, source text, is_tracked boolean, reason text, cadence text, every interval,
    pace double precision, looked_at timestamptz, due_at timestamptz, lateness double precision)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
    SELECT f.imdb_id, f.source, f.is_tracked, c.reason, c.cadence, c.every, f.pace, f.looked_at,
           f.looked_at + c.every,
           -- In intervals of its own, so that who waits longer comes first, and nothing waits for ever.
           (extract(epoch FROM at - f.looked_at) / extract(epoch FROM c.every))::double precision - 1
    FROM mart.look_facts f
    JOIN LATERAL (
        SELECT r.reason, r.cadence, make_interval(hours => r.every_hours) AS every FROM mart.cadences r
        WHERE r.reason = mart.look_reason(f.is_stream, f.is_few, f.look_outcome, f.asked_at, f.release_date,
                                          f.pace, at)
    ) c ON true;
    END;
COMMENT ON FUNCTION mart.looks IS 'When each source is asked about each movie again, as of a time: a row for each that was ever looked at.';
