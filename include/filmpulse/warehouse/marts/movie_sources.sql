-- Each source has its own coverage. A site says how many reviews it has; of files and streams we only
-- know the reviews that we hold.
CREATE VIEW mart.movie_sources AS
SELECT m.imdb_id, n.movie, b.source, b.kind, b.reviews,
       CASE WHEN b.kind = 'site' THEN b.site_reviews ELSE b.reviews END AS known_reviews,
       CASE WHEN b.kind = 'site'
            THEN round(b.reviews::numeric / nullif(b.site_reviews, 0), 4) END AS coverage,
       b.site_rating, b.site_votes, b.site_reviews, b.site_as_of, b.gapless_since
FROM core.movies m
LEFT JOIN mart.movie_names n USING (imdb_id)
LEFT JOIN ops.counted_movies k USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT f.source, coalesce(o.kind, 'file') AS kind,
           CASE WHEN k.counted_at IS NOT NULL THEN coalesce(r.reviews, 0) END AS reviews,
           s.rating AS site_rating, s.vote_count AS site_votes, s.review_count AS site_reviews,
           s.taken_at AS site_as_of, t.gapless_since
    FROM (
        SELECT r.source, r.reviews FROM core.source_counts r WHERE r.imdb_id = m.imdb_id
    ) r
    FULL JOIN ops.sources o USING (source)
    CROSS JOIN LATERAL (SELECT coalesce(r.source, o.source) AS source) f
    -- The key finds the last snapshot of a source; a movie has thousands.
    LEFT JOIN LATERAL (
        SELECT s.* FROM core.movie_snapshots s
        WHERE (s.imdb_id, s.source) = (m.imdb_id, f.source) AND s.review_count IS NOT NULL
        ORDER BY s.taken_at DESC LIMIT 1
    ) s ON true
    LEFT JOIN ops.streams t ON t.source = f.source
    WHERE r.reviews > 0 OR s.review_count IS NOT NULL
) b;
COMMENT ON VIEW mart.movie_sources IS 'One row per movie and source: how many reviews we hold, of how many.';
COMMENT ON COLUMN mart.movie_sources.kind IS 'site, stream or file.';
COMMENT ON COLUMN mart.movie_sources.reviews IS 'Current reviews that we hold; null before the movie was counted for the first time.';
COMMENT ON COLUMN mart.movie_sources.known_reviews IS 'Reviews that we know to exist: the count of a site, else those that we hold; null while the site''s count is unknown.';
COMMENT ON COLUMN mart.movie_sources.coverage IS 'reviews over the count of a site; null for streams and files, which have no count.';
COMMENT ON COLUMN mart.movie_sources.gapless_since IS 'Of a stream: from then on no event is missing (UTC).';
