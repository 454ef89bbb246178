-- The second condition under which a movie changes its analyser (docs/adr/0023).
CREATE FUNCTION mart.keeps_scores(rescored bigint, scored bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN rescored >= 0.80 * scored;
COMMENT ON FUNCTION mart.keeps_scores IS 'Whether an analyser scored 80 % of the reviews that another one scored.';
