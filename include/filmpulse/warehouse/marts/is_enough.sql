-- Below this bar a mean is "too few": shown grey and never ranked (docs/adr/0011). `enough_reviews`
-- has the number of reviews, `is_enough_difference` the bar for a difference of two means.
CREATE FUNCTION mart.is_enough(n bigint, coverage numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(n >= mart.enough_reviews() AND coverage >= 0.20, false);
COMMENT ON FUNCTION mart.is_enough IS 'Whether a figure rests on enough to be compared.';
