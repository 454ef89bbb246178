CREATE FUNCTION mart.difference_half_interval(
        variance1 double precision, n1 bigint, variance2 double precision, n2 bigint)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN least(n1, n2) >= 2
                THEN 1.96 * sqrt(variance1 / nullif(n1, 0) + variance2 / nullif(n2, 0)) END;
COMMENT ON FUNCTION mart.difference_half_interval IS 'Half the width of a 95 % interval of the difference of two means, by the normal approximation; null below two values of either.';
