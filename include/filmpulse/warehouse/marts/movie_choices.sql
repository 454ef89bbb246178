CREATE VIEW mart.movie_choices AS
SELECT n.imdb_id, n.movie, coalesce(c.reviews, 0) AS reviews
FROM mart.movie_names n
LEFT JOIN mart.review_figures c USING (imdb_id)
UNION ALL
SELECT NULL, 'no movie yet', 0 WHERE NOT EXISTS (SELECT FROM core.movies);
COMMENT ON VIEW mart.movie_choices IS 'One row per movie that can be chosen; before the first, one row that says so.';
COMMENT ON COLUMN mart.movie_choices.reviews IS 'Current reviews, 0 before they were counted; sets the order.';
