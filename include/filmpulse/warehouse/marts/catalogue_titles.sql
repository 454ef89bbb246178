-- Each choice of a genre makes a row, so that a filter of one value finds the title. The table has the
-- best first, so a list is read from its beginning until it is full.
CREATE VIEW mart.catalogue_titles AS
SELECT t.place, t.tconst AS imdb_id, t.title, t.title_type, t.year, t.decade, t.region, g.genre,
       array_to_string(array_remove(t.genre_choices, 'All genres'), ', ') AS genres,
       t.runtime_minutes, t.rating, t.votes, t.weighted_rating, t.is_adult
FROM catalogue.rated_titles t
CROSS JOIN LATERAL unnest(t.genre_choices) AS g (genre);
COMMENT ON VIEW mart.catalogue_titles IS 'One row per title with votes and choice of a genre; choose one genre, or each title stands several times.';
COMMENT ON COLUMN mart.catalogue_titles.place IS 'Its place among all titles with votes, from 1, by weighted_rating, then votes, then id.';
COMMENT ON COLUMN mart.catalogue_titles.imdb_id IS 'The title, by its IMDb id.';
COMMENT ON COLUMN mart.catalogue_titles.title IS 'The better-known title.';
COMMENT ON COLUMN mart.catalogue_titles.genre IS 'A choice of a genre: "All genres" and each of its genres, or unknown where IMDb says none; of an adult title Adult alone.';
COMMENT ON COLUMN mart.catalogue_titles.genres IS 'Its genres.';
COMMENT ON COLUMN mart.catalogue_titles.rating IS 'IMDb''s mean of the votes, 1 to 10: r.';
COMMENT ON COLUMN mart.catalogue_titles.votes IS 'How many people voted: v.';
COMMENT ON COLUMN mart.catalogue_titles.is_adult IS 'Whether IMDb calls it an adult title, or Adult is among its genres.';
