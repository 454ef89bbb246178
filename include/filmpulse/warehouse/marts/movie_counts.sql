CREATE VIEW mart.movie_counts AS
SELECT n.imdb_id, n.movie, l.reviews, k.known_reviews,
       round(l.reviews::numeric / nullif(k.known_reviews, 0), 4) AS coverage,
       s.rating AS site_rating, s.vote_count AS site_votes, s.review_count AS site_reviews,
       s.taken_at AS site_as_of
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews, count(*) FILTER (WHERE r.source <> 'imdb') AS other_reviews
    FROM mart.current_reviews r
    WHERE r.imdb_id = n.imdb_id
) l
LEFT JOIN LATERAL (
    SELECT * FROM core.movie_snapshots s
    WHERE s.imdb_id = n.imdb_id AND s.review_count IS NOT NULL
    ORDER BY s.taken_at DESC LIMIT 1
) s ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.review_count IS NOT NULL OR (l.reviews > 0 AND l.reviews = l.other_reviews)
                THEN coalesce(s.review_count, 0) + l.other_reviews END AS known_reviews
) k;
COMMENT ON VIEW mart.movie_counts IS 'One row per movie: how many reviews we hold, of how many.';
COMMENT ON COLUMN mart.movie_counts.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.movie_counts.movie IS 'Title and year.';
COMMENT ON COLUMN mart.movie_counts.reviews IS 'Living reviews that we hold, of all sources.';
COMMENT ON COLUMN mart.movie_counts.known_reviews IS 'Reviews that we know to exist: the site''s count, and those of other sources; null while the site''s count is unknown.';
COMMENT ON COLUMN mart.movie_counts.coverage IS 'reviews over known_reviews; null when that is unknown.';
COMMENT ON COLUMN mart.movie_counts.site_rating IS 'The site''s own mean rating, 1 to 10.';
COMMENT ON COLUMN mart.movie_counts.site_votes IS 'Votes behind that rating.';
COMMENT ON COLUMN mart.movie_counts.site_reviews IS 'Reviews that the site says it has.';
COMMENT ON COLUMN mart.movie_counts.site_as_of IS 'When the site said so (UTC).';
