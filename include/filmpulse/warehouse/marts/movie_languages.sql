CREATE VIEW mart.movie_languages AS
SELECT n.imdb_id, n.movie, mart.language_name(l.language) AS language_name, l.reviews, l.language
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT r.language, count(*) AS reviews
    FROM mart.current_reviews r
    WHERE r.imdb_id = n.imdb_id
    GROUP BY r.language
) l;
COMMENT ON VIEW mart.movie_languages IS 'One row per movie and language that can be chosen.';
COMMENT ON COLUMN mart.movie_languages.reviews IS 'Current reviews in it; sets the order.';
