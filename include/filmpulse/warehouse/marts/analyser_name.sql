CREATE FUNCTION mart.analyser_name(model text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(model, 'keyless lexicon');
COMMENT ON FUNCTION mart.analyser_name IS 'What an analyser is called, by its model; the lexicon has none.';
