-- The aspects in their order, as filmpulse.items.ASPECTS has them (a test compares the two).
CREATE FUNCTION mart.aspects() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['storytelling', 'acting', 'visuals', 'sound', 'themes'];
COMMENT ON FUNCTION mart.aspects IS 'What a review is read for, in the order in which it is shown.';
