-- The bar under which a mean is shown grey and never ranked: enough reviews, and a coverage of 20 %
-- (docs/adr/0011).
CREATE FUNCTION mart.is_enough(n bigint, coverage numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(n >= mart.enough_reviews() AND coverage >= 0.20, false);
COMMENT ON FUNCTION mart.is_enough IS 'Whether a figure rests on enough to be compared.';
