CREATE FUNCTION mart.is_enough_difference(n1 bigint, n2 bigint, coverage numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN mart.is_enough(n1 + n2, coverage) AND least(n1, n2) >= 10;
COMMENT ON FUNCTION mart.is_enough_difference IS 'Whether the difference of two means rests on enough to be compared: at least ten of each, and enough together.';
