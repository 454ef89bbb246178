CREATE VIEW mart.catalogue_runtimes AS
SELECT runtime_from, title_type, decade, genre, region, titles FROM catalogue.runtime_figures;
COMMENT ON VIEW mart.catalogue_runtimes IS 'How long titles are: one row per ten minutes, type, decade, choice of a genre, and region; titles of known length only.';
COMMENT ON COLUMN mart.catalogue_runtimes.runtime_from IS 'The first of the ten minutes, such as 90 for 90 to 99.';
COMMENT ON COLUMN mart.catalogue_runtimes.titles IS 'How many titles.';
