-- Of all sources together; the site's own figures are those of the site with the most reviews.
CREATE VIEW mart.movie_counts AS
SELECT m.imdb_id, n.movie, c.reviews, c.known_reviews,
       round(c.reviews::numeric / nullif(c.known_reviews, 0), 4) AS coverage,
       c.site_rating, c.site_votes, c.site_reviews, c.site_as_of, c.site,
       coalesce(c.sources, '{}') AS sources
FROM core.movies m
LEFT JOIN mart.movie_names n USING (imdb_id)
LEFT JOIN ops.counted_movies k USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN k.counted_at IS NOT NULL THEN coalesce(sum(b.reviews), 0)::bigint END AS reviews,
           CASE WHEN k.counted_at IS NOT NULL AND bool_and(b.known_reviews IS NOT NULL)
                THEN sum(b.known_reviews)::bigint END AS known_reviews,
           array_agg(b.source ORDER BY b.reviews DESC, b.source) FILTER (WHERE b.reviews > 0)
               AS sources,
           max(b.source) FILTER (WHERE b.place = 1) AS site,
           max(b.site_rating) FILTER (WHERE b.place = 1) AS site_rating,
           max(b.site_votes) FILTER (WHERE b.place = 1) AS site_votes,
           max(b.site_reviews) FILTER (WHERE b.place = 1) AS site_reviews,
           max(b.site_as_of) FILTER (WHERE b.place = 1) AS site_as_of
    FROM (
        SELECT b.source, b.reviews, b.known_reviews, b.site_rating, b.site_votes, b.site_reviews,
               b.site_as_of,
               CASE WHEN b.site_reviews IS NOT NULL THEN row_number() OVER (
                   ORDER BY b.site_reviews DESC NULLS LAST, b.source) END AS place
        FROM mart.movie_sources b
        WHERE b.imdb_id = m.imdb_id
    ) b
) c;
COMMENT ON VIEW mart.movie_counts IS 'One row per movie: how many reviews we hold, of how many.';
