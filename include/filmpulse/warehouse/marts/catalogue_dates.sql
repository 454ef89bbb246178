CREATE VIEW mart.catalogue_dates AS
SELECT max(as_of) FILTER (WHERE dataset = 'title.basics') AS titles_as_of,
       max(as_of) FILTER (WHERE dataset = 'title.crew') AS crew_as_of,
       max(as_of) FILTER (WHERE dataset = 'title.principals') AS cast_as_of
FROM (
    SELECT DISTINCT ON (dataset) dataset, coalesce(modified_at, started_at) AS as_of
    FROM ops.catalogue_loads
    WHERE state = 'live'
    ORDER BY dataset, load_id DESC
) l;
COMMENT ON VIEW mart.catalogue_dates IS 'One row: how old the datasets of the catalogue are that name facts of movies, by their server''s word, else by when they were loaded.';
COMMENT ON COLUMN mart.catalogue_dates.titles_as_of IS 'Age of titles, years, genres, running times (UTC); null before the first load.';
COMMENT ON COLUMN mart.catalogue_dates.crew_as_of IS 'Age of directors and writers (UTC); null before the first load.';
COMMENT ON COLUMN mart.catalogue_dates.cast_as_of IS 'Age of the cast (UTC); null before the first load.';
