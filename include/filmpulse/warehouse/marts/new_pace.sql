-- A mean that forgets: what was gained `d` days ago counts e^(-d/14). Two weeks: one review alone then is
-- no pace of one in two weeks, and a week-end is none of a review a day. `changed` is the difference between two counts, `days` the time between them: none or less if a clock
-- went back.
CREATE FUNCTION mart.new_pace(pace double precision, changed integer, days double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN changed IS NULL THEN pace
        WHEN days > 0 THEN coalesce(pace, 0) * exp(-least(days / 14, 500))
                           + abs(changed) * (1 - exp(-least(days / 14, 500))) / days
        ELSE coalesce(pace, 0) + abs(changed) / 14.0 END;
COMMENT ON FUNCTION mart.new_pace IS 'By how many reviews a day a site''s count changes of late, once another look told it.';
