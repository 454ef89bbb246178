-- The bar under which a mean is shown grey and never ranked (docs/adr/0011): 30 scored reviews and
-- 20 % coverage. It stands here once, for every mart.
CREATE FUNCTION mart.is_enough(n bigint, coverage numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(n >= 30 AND coverage >= 0.20, false);
COMMENT ON FUNCTION mart.is_enough IS 'Whether a figure rests on enough to be compared.';
