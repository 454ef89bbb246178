-- Of each fact the newest that names it counts: a page (core.movies) or the catalogue; the title and the
-- year are the catalogue's only where no page names the title. The catalogue is looked up by key, for the
-- movies and the columns that are asked for. A cast has 18 names at most, as IMDb's title page has.
CREATE VIEW mart.movie_facts AS
SELECT m.imdb_id,
       coalesce(c.title, m.original_title, m.title) AS title,
       coalesce(c.year, m.year) AS year,
       coalesce(c.runtime_minutes, m.runtime_minutes) AS runtime_minutes,
       coalesce(c.genres, m.genres) AS genres,
       coalesce(c.directors, m.directors) AS directors,
       coalesce(c.writers, '{}') AS writers,
       coalesce(c.cast_names, m.cast_names) AS cast_names,
       array_remove(ARRAY[CASE WHEN c.title IS NOT NULL THEN 'title' END,
                          CASE WHEN c.year IS NOT NULL THEN 'year' END,
                          CASE WHEN c.runtime_minutes IS NOT NULL THEN 'runtime_minutes' END,
                          CASE WHEN c.genres IS NOT NULL THEN 'genres' END,
                          CASE WHEN c.directors IS NOT NULL THEN 'directors' END,
                          CASE WHEN c.writers IS NOT NULL THEN 'writers' END,
                          CASE WHEN c.cast_names IS NOT NULL THEN 'cast_names' END], NULL)
           AS catalogue_facts,
       least(CASE WHEN coalesce(c.title, c.year::text, c.runtime_minutes::text, c.genres[1]) IS NOT NULL
                  THEN d.titles_as_of END,
             CASE WHEN coalesce(c.directors, c.writers) IS NOT NULL THEN d.crew_as_of END,
             CASE WHEN c.cast_names IS NOT NULL THEN d.cast_as_of END) AS catalogue_as_of
FROM core.movies m
LEFT JOIN mart.catalogue_dates d ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN m.title = m.imdb_id AND m.original_title IS NULL THEN (
               SELECT coalesce(b.original_title, b.primary_title) FROM catalogue.title_basics b
               WHERE b.tconst = m.imdb_id) END AS title,
           CASE WHEN m.title = m.imdb_id AND m.original_title IS NULL AND m.year IS NULL THEN (
               SELECT b.start_year FROM catalogue.title_basics b
               WHERE b.tconst = m.imdb_id) END AS year,
           CASE WHEN mart.is_outdated_fact(m.fact_times, 'runtime_minutes', d.titles_as_of) THEN (
               SELECT nullif(b.runtime_minutes, 0) FROM catalogue.title_basics b
               WHERE b.tconst = m.imdb_id) END AS runtime_minutes,
           CASE WHEN mart.is_outdated_fact(m.fact_times, 'genres', d.titles_as_of) THEN (
               SELECT string_to_array(b.genres, ',') FROM catalogue.title_basics b
               WHERE b.tconst = m.imdb_id) END AS genres,
           CASE WHEN mart.is_outdated_fact(m.fact_times, 'directors', d.crew_as_of) THEN (
               SELECT array_agg(n.primary_name ORDER BY k.position)
               FROM catalogue.credits k JOIN catalogue.name_basics n USING (nconst)
               WHERE (k.tconst, k.role) = (m.imdb_id, 'director')
                 AND n.primary_name IS NOT NULL) END AS directors,
           (SELECT array_agg(n.primary_name ORDER BY k.position)
            FROM catalogue.credits k JOIN catalogue.name_basics n USING (nconst)
            WHERE (k.tconst, k.role) = (m.imdb_id, 'writer')
              AND n.primary_name IS NOT NULL) AS writers,
           CASE WHEN mart.is_outdated_fact(m.fact_times, 'cast_names', d.cast_as_of) THEN (
               SELECT array_agg(a.primary_name ORDER BY a.position)
               FROM (SELECT n.primary_name, k.position
                     FROM catalogue.credits k JOIN catalogue.name_basics n USING (nconst)
                     WHERE (k.tconst, k.role) = (m.imdb_id, 'cast') AND n.primary_name IS NOT NULL
                     ORDER BY k.position LIMIT 18) a) END AS cast_names
) c;
COMMENT ON VIEW mart.movie_facts IS 'One row per movie: its facts, each from the newest that names it: a page of its site, or IMDb''s datasets (the catalogue).';
COMMENT ON COLUMN mart.movie_facts.title IS 'The original title where known, else the title as the site showed it; the catalogue''s if no page names one; the id if nothing does.';
COMMENT ON COLUMN mart.movie_facts.year IS 'Year of release; the catalogue''s if no page names the title.';
