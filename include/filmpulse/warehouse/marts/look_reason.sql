-- The conditions of mart.cadences, in its order. `pace` is in reviews a day (mart.new_pace); `asked_at` is when
-- somebody last had the movie read by hand; `at` is the time for which the answer holds.
CREATE FUNCTION mart.look_reason(
    is_stream boolean, is_few boolean, outcome text, asked_at timestamptz, released_on date,
    pace double precision, at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN is_stream THEN 'stream'
        WHEN is_few THEN 'few'
        WHEN outcome = 'news' THEN 'news'
        WHEN at - asked_at < interval '1 day' THEN 'asked'
        WHEN (at AT TIME ZONE 'UTC')::date - released_on BETWEEN -7 AND 30 THEN 'release'
        WHEN pace >= 1 THEN 'a_day'
        WHEN pace >= 3.0 / 7 THEN 'some_a_week'
        WHEN pace >= 1.0 / 14 THEN 'some_a_month'
        WHEN outcome IN ('unfinished', 'busy', 'not_found', 'layout_changed', 'blocked', 'failed') THEN 'unsettled'
        WHEN pace IS NULL THEN 'unknown'
        WHEN (at AT TIME ZONE 'UTC')::date - released_on BETWEEN -365 AND 365 THEN 'first_year'
        ELSE 'quiet' END;
COMMENT ON FUNCTION mart.look_reason IS 'Why a movie is looked at as often as it is: the first reason of mart.cadences that is true of it.';
