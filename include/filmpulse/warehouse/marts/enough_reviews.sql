-- Why 30: docs/adr/0011.
CREATE FUNCTION mart.enough_reviews() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 30;
COMMENT ON FUNCTION mart.enough_reviews IS 'How many reviews a mean needs at least to be compared.';
