CREATE FUNCTION mart.scoring_key(imdb_id text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended('scoring ' || imdb_id, 0);
COMMENT ON FUNCTION mart.scoring_key IS 'The key of the advisory lock that whoever scores a movie holds.';
