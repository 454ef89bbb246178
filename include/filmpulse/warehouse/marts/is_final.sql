-- An analyser takes up failed reviews again, and those that waited for money (docs/adr/0023).
CREATE FUNCTION mart.is_final(status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(status NOT IN ('failed', 'over_budget'), false);
COMMENT ON FUNCTION mart.is_final IS 'Whether an analyser is done with a text; false for null, a text not yet read.';
