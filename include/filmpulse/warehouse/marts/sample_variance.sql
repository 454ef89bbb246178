-- Exact, since all three are whole numbers: equal values have no variance at all.
CREATE FUNCTION mart.sample_variance(n bigint, total bigint, squares bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN n >= 2 THEN (n * squares - total * total)::double precision / (n * (n - 1)) END;
COMMENT ON FUNCTION mart.sample_variance IS 'Variance of n whole numbers, from their sum and that of their squares; null below two.';
