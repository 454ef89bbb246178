CREATE VIEW mart.movie_posters AS
SELECT imdb_id, image, media_type, width, height, fetched_at, source_url
FROM core.movie_posters WHERE image IS NOT NULL;
COMMENT ON VIEW mart.movie_posters IS 'One row per movie of which a small poster is kept.';
