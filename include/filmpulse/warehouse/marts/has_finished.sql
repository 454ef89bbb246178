-- The first condition under which a movie changes its analyser (docs/adr/0023).
CREATE FUNCTION mart.has_finished(finished bigint, reviews bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN finished >= 0.95 * reviews;
COMMENT ON FUNCTION mart.has_finished IS 'Whether an analyser has finished a movie: 95 % of its current reviews.';
