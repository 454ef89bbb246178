CREATE VIEW mart.movie_tags AS
SELECT t.imdb_id, n.movie, t.tag, t.noted_at
FROM core.movie_tags t
JOIN mart.movie_names n USING (imdb_id);
COMMENT ON VIEW mart.movie_tags IS 'One row per movie and tag.';
