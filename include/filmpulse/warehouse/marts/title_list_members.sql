CREATE VIEW mart.title_list_members AS
SELECT title_list, imdb_id, position FROM core.title_list_members;
COMMENT ON VIEW mart.title_list_members IS 'One row per list and title: a list is of ids that a person dropped in, such as anime.';
COMMENT ON COLUMN mart.title_list_members.imdb_id IS 'The title, by its IMDb id; nothing else need be known of it.';
