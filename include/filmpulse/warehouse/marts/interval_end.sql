CREATE FUNCTION mart.interval_end(mean numeric, side integer, sd numeric, n bigint)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN n >= 2 THEN
        least(2, greatest(-2, mean + side * mart.half_interval(sd::double precision, n))) END;
COMMENT ON FUNCTION mart.interval_end IS 'One end (side -1 or 1) of a 95 % interval of a mean score, within -2 to 2.';
