CREATE VIEW mart.catalogue_people AS
SELECT p.nconst, coalesce(n.primary_name, p.nconst) AS person, n.birth_year, p.role, p.titles,
       p.rated_titles, p.votes, p.mean_rating, p.rated_titles >= f.enough_titles AS is_enough,
       f.enough_titles, b.tconst AS imdb_id, b.title AS best_title, b.year AS best_year
FROM catalogue.person_figures p
CROSS JOIN catalogue.figures f
LEFT JOIN catalogue.name_basics n USING (nconst)
LEFT JOIN catalogue.rated_titles b ON b.place = p.best_place;
COMMENT ON VIEW mart.catalogue_people IS 'One row per person and role with enough titles; episodes and adult titles do not count.';
COMMENT ON COLUMN mart.catalogue_people.nconst IS 'IMDb''s id of the person: names are not unique.';
COMMENT ON COLUMN mart.catalogue_people.person IS 'The name by which the person is best known; the id where IMDb has none.';
COMMENT ON COLUMN mart.catalogue_people.birth_year IS 'Year of birth; negative before year 1.';
COMMENT ON COLUMN mart.catalogue_people.role IS 'director, writer or cast; a person may stand in several.';
COMMENT ON COLUMN mart.catalogue_people.titles IS 'Titles with the person in that role.';
COMMENT ON COLUMN mart.catalogue_people.rated_titles IS 'How many of them have votes: the n of mean_rating.';
COMMENT ON COLUMN mart.catalogue_people.votes IS 'Their votes.';
COMMENT ON COLUMN mart.catalogue_people.mean_rating IS 'Mean of the weighted ratings of the titles with votes, each title once.';
COMMENT ON COLUMN mart.catalogue_people.is_enough IS 'Enough titles with votes: below, the mean is never ranked.';
COMMENT ON COLUMN mart.catalogue_people.enough_titles IS 'How many are enough.';
COMMENT ON COLUMN mart.catalogue_people.imdb_id IS 'The best of these titles by weighted rating, by its IMDb id.';
COMMENT ON COLUMN mart.catalogue_people.best_title IS 'That title.';
COMMENT ON COLUMN mart.catalogue_people.best_year IS 'Its year of release.';
