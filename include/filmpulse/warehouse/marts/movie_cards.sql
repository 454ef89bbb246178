-- For a list of all movies: nothing is counted, and all is found by keys.
CREATE VIEW mart.movie_cards AS
SELECT m.imdb_id, n.movie, f.title, f.year, f.genres,
       EXISTS (SELECT FROM core.movie_posters p
               WHERE p.imdb_id = m.imdb_id AND p.image IS NOT NULL) AS has_poster,
       s.source AS site, s.rating AS site_rating, s.vote_count AS site_votes,
       c.reviews, c.known_reviews, c.coverage, c.scored_reviews, c.mean_overall,
       c.overall_half_interval AS half_interval, coalesce(c.is_enough, false) AS is_enough,
       c.waiting_reviews, k.looked_at, c.counted_at,
       ARRAY(SELECT t.tag FROM core.movie_tags t WHERE t.imdb_id = m.imdb_id
             ORDER BY lower(t.tag)) AS tags,
       ARRAY(SELECT fact FROM unnest(f.catalogue_facts) fact
             WHERE fact IN ('title', 'year', 'genres')) AS catalogue_facts
FROM core.movies m
JOIN mart.movie_facts f USING (imdb_id)
JOIN mart.movie_names n USING (imdb_id)
LEFT JOIN mart.compared_movies c USING (imdb_id)
LEFT JOIN LATERAL (
    -- As mart.movie_counts chooses the site, but without a count of the reviews that we hold.
    SELECT l.* FROM ops.sources o
    CROSS JOIN LATERAL (
        SELECT s.* FROM core.movie_snapshots s
        WHERE (s.imdb_id, s.source) = (m.imdb_id, o.source) AND s.review_count IS NOT NULL
        ORDER BY s.taken_at DESC LIMIT 1
    ) l
    ORDER BY l.review_count DESC, l.source LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT max(k.checked_at) AS looked_at FROM ops.movie_checks k WHERE k.imdb_id = m.imdb_id
) k ON true;
COMMENT ON VIEW mart.movie_cards IS 'One row per movie for a list of all: its figures, null before the movie was counted for the first time.';
COMMENT ON COLUMN mart.movie_cards.has_poster IS 'Whether mart.movie_posters has a picture.';
COMMENT ON COLUMN mart.movie_cards.half_interval IS 'Half the width of the 95 % interval of mean_overall; null below two.';
COMMENT ON COLUMN mart.movie_cards.is_enough IS '30 scored reviews and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.movie_cards.counted_at IS 'When the counts of its reviews and scores last changed (UTC); null before the first time.';
COMMENT ON COLUMN mart.movie_cards.tags IS 'Its tags, sorted.';
COMMENT ON COLUMN mart.movie_cards.catalogue_facts IS 'Which of title, year and genres are the catalogue''s: its credit line must stand with them.';
