CREATE VIEW mart.title_lists AS
SELECT l.title_list, l.file_name, l.origin, l.added_at, c.titles, c.known_titles
FROM core.title_lists l
CROSS JOIN LATERAL (
    SELECT count(*) AS titles, count(b.tconst) AS known_titles
    FROM core.title_list_members m
    LEFT JOIN catalogue.title_basics b ON b.tconst = m.imdb_id
    WHERE m.title_list = l.title_list
) c;
COMMENT ON VIEW mart.title_lists IS 'One row per title list that a person dropped in.';
COMMENT ON COLUMN mart.title_lists.titles IS 'How many titles it has.';
COMMENT ON COLUMN mart.title_lists.known_titles IS 'How many of them the catalogue holds.';
