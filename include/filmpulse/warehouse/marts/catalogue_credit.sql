-- The sentence that IMDb's terms ask for wherever its datasets are shown; the package has it as
-- `filmpulse.sources.datasets.CREDIT`.
CREATE FUNCTION mart.catalogue_credit() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'Information courtesy of IMDb (https://www.imdb.com). Used with permission.';
COMMENT ON FUNCTION mart.catalogue_credit IS 'The credit line of IMDb''s datasets.';
