CREATE FUNCTION mart.half_interval(sd double precision, n bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN n >= 2 THEN 1.96 * sd / sqrt(n::double precision) END;
COMMENT ON FUNCTION mart.half_interval IS 'Half the width of a 95 % interval of a mean, by the normal approximation; null below two values.';
