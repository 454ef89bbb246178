CREATE VIEW mart.movie_aspects AS
SELECT f.imdb_id, coalesce(m.original_title, m.title) AS title, lower(f.aspect) AS aspect,
       f.scored_reviews, f.mentions, f.share_mentioned, f.mean_score, f.score_low, f.score_high,
       coalesce(f.praised, 0) AS praised, coalesce(f.faulted, 0) AS faulted, f.is_enough
FROM mart.aspect_figures f
JOIN core.movies m USING (imdb_id)
WHERE f.position > 0
ORDER BY f.imdb_id, f.position;
COMMENT ON VIEW mart.movie_aspects IS 'How each aspect of each movie is received; n is mentions.';
COMMENT ON COLUMN mart.movie_aspects.aspect IS 'storytelling, acting, visuals, sound or themes.';
