CREATE VIEW mart.catalogue_list_titles AS
SELECT m.title_list, m.position, m.imdb_id, coalesce(b.primary_title, m.imdb_id) AS title,
       b.title_type, b.start_year AS year, replace(b.genres, ',', ', ') AS genres, r.region,
       b.runtime_minutes, r.rating, r.votes, r.weighted_rating, b.tconst IS NOT NULL AS is_known
FROM mart.title_list_members m
LEFT JOIN catalogue.title_basics b ON b.tconst = m.imdb_id
LEFT JOIN catalogue.rated_titles r ON r.tconst = m.imdb_id;
COMMENT ON VIEW mart.catalogue_list_titles IS 'One row per list and title, with what the catalogue says of the title.';
COMMENT ON COLUMN mart.catalogue_list_titles.title_list IS 'The list.';
COMMENT ON COLUMN mart.catalogue_list_titles.position IS 'Its place in the list, from 1.';
COMMENT ON COLUMN mart.catalogue_list_titles.imdb_id IS 'The title, by its IMDb id.';
COMMENT ON COLUMN mart.catalogue_list_titles.title IS 'The better-known title; the id where the catalogue does not hold it.';
COMMENT ON COLUMN mart.catalogue_list_titles.title_type IS 'Such as movie, short, tvSeries.';
COMMENT ON COLUMN mart.catalogue_list_titles.genres IS 'Its genres.';
COMMENT ON COLUMN mart.catalogue_list_titles.region IS 'IMDb''s code of the region of the original title, as in catalogue_titles; null without votes.';
COMMENT ON COLUMN mart.catalogue_list_titles.rating IS 'IMDb''s mean of the votes, 1 to 10; null without votes.';
COMMENT ON COLUMN mart.catalogue_list_titles.votes IS 'How many people voted; null without votes.';
COMMENT ON COLUMN mart.catalogue_list_titles.is_known IS 'Whether the catalogue holds the title.';
