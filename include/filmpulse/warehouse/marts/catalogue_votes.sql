CREATE VIEW mart.catalogue_votes AS
SELECT tconst AS imdb_id, votes FROM catalogue.rated_titles;
COMMENT ON VIEW mart.catalogue_votes IS 'One row per title with votes: how many.';
COMMENT ON COLUMN mart.catalogue_votes.imdb_id IS 'The title, by its IMDb id.';
COMMENT ON COLUMN mart.catalogue_votes.votes IS 'How many people voted.';
