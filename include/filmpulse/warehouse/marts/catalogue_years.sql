CREATE VIEW mart.catalogue_years AS
SELECT year, decade, title_type, genre, region, titles, rated_titles, votes, ratings
FROM catalogue.year_figures;
COMMENT ON VIEW mart.catalogue_years IS 'How many titles there are: one row per year, type, choice of a genre, and region.';
COMMENT ON COLUMN mart.catalogue_years.year IS 'Year of release; of a series the first year; null where unknown.';
COMMENT ON COLUMN mart.catalogue_years.titles IS 'How many titles.';
COMMENT ON COLUMN mart.catalogue_years.rated_titles IS 'How many of them have votes.';
COMMENT ON COLUMN mart.catalogue_years.votes IS 'Their votes.';
COMMENT ON COLUMN mart.catalogue_years.ratings IS 'Sum of the ratings of those with votes, each title once.';
