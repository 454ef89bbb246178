CREATE VIEW mart.movie_aspects AS
SELECT m.imdb_id, m.title, a.aspect,
       m.scored_reviews,
       count(s.score) AS mentions,
       count(s.score)::double precision / nullif(m.scored_reviews, 0) AS share_mentioned,
       avg(s.score)::double precision AS mean_score,
       mart.interval_end(avg(s.score), -1, stddev_samp(s.score), count(s.score)) AS score_low,
       mart.interval_end(avg(s.score), +1, stddev_samp(s.score), count(s.score)) AS score_high,
       count(s.score) FILTER (WHERE s.score > 0) AS praised,
       count(s.score) FILTER (WHERE s.score < 0) AS faulted,
       mart.is_enough(count(s.score), m.coverage) AS is_enough
FROM mart.movies m
CROSS JOIN (VALUES (1, 'storytelling'), (2, 'acting'), (3, 'visuals'), (4, 'sound'), (5, 'themes'))
    AS a (position, aspect)
LEFT JOIN mart.aspect_scores s ON s.imdb_id = m.imdb_id AND s.aspect = a.aspect
GROUP BY m.imdb_id, m.title, m.scored_reviews, m.coverage, a.position, a.aspect
ORDER BY m.imdb_id, a.position;
COMMENT ON VIEW mart.movie_aspects IS 'How each aspect of each movie is received; n is mentions.';
COMMENT ON COLUMN mart.movie_aspects.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.movie_aspects.title IS 'Its title.';
COMMENT ON COLUMN mart.movie_aspects.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN mart.movie_aspects.scored_reviews IS 'Scored reviews of the movie.';
COMMENT ON COLUMN mart.movie_aspects.mentions IS 'Reviews that mention the aspect: the n of mean_score.';
COMMENT ON COLUMN mart.movie_aspects.share_mentioned IS 'Mentions over scored reviews.';
COMMENT ON COLUMN mart.movie_aspects.mean_score IS 'Mean score of the mentions, -2 to 2.';
COMMENT ON COLUMN mart.movie_aspects.score_low IS 'Lower end of its 95 % interval, on the scale.';
COMMENT ON COLUMN mart.movie_aspects.score_high IS 'Upper end of its 95 % interval, on the scale.';
COMMENT ON COLUMN mart.movie_aspects.praised IS 'Mentions with a score above 0.';
COMMENT ON COLUMN mart.movie_aspects.faulted IS 'Mentions with a score below 0.';
COMMENT ON COLUMN mart.movie_aspects.is_enough IS '30 mentions and 20 % coverage: below, figures are grey and never ranked.';
