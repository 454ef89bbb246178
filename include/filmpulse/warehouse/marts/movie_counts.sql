-- Of all sources together; the site's own figures are those of the site with the most reviews.
CREATE VIEW mart.movie_counts AS
SELECT n.imdb_id, n.movie, c.reviews, c.known_reviews,
       round(c.reviews::numeric / nullif(c.known_reviews, 0), 4) AS coverage,
       s.site_rating, s.site_votes, s.site_reviews, s.site_as_of,
       s.source AS site, coalesce(c.sources, '{}') AS sources
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT coalesce(sum(b.reviews), 0)::bigint AS reviews,
           CASE WHEN bool_and(b.known_reviews IS NOT NULL)
                THEN sum(b.known_reviews)::bigint END AS known_reviews,
           array_agg(b.source ORDER BY b.reviews DESC, b.source) FILTER (WHERE b.reviews > 0)
               AS sources
    FROM mart.movie_sources b
    WHERE b.imdb_id = n.imdb_id
) c
LEFT JOIN LATERAL (
    SELECT b.* FROM mart.movie_sources b
    WHERE b.imdb_id = n.imdb_id AND b.site_reviews IS NOT NULL
    ORDER BY b.site_reviews DESC, b.source LIMIT 1
) s ON true;
COMMENT ON VIEW mart.movie_counts IS 'One row per movie: how many reviews we hold, of how many.';
