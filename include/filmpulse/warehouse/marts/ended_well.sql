-- Gated counts as well: all that a visitor sees was read. An import has no list to be complete.
CREATE FUNCTION mart.ended_well(status text, mode text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN status IN ('complete', 'drained', 'gated') OR mode = 'import';
COMMENT ON FUNCTION mart.ended_well IS 'Whether a collection ended as it should.';
