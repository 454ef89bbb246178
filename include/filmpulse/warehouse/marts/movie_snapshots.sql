CREATE VIEW mart.movie_snapshots AS
SELECT s.source, s.imdb_id, s.taken_at, s.rating AS site_rating, s.vote_count AS site_votes,
       s.review_count AS site_reviews, n.movie
FROM core.movie_snapshots s
JOIN mart.movie_names n USING (imdb_id);
COMMENT ON VIEW mart.movie_snapshots IS 'The own figures of each site over time.';
