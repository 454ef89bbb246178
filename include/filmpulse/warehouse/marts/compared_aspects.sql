CREATE MATERIALIZED VIEW mart.compared_aspects AS
SELECT m.imdb_id, m.movie, m.reviews, f.position, f.aspect, f.scored_reviews,
       nullif(f.mentions, 0) AS mentions, f.share_mentioned, f.mean_score, f.half_interval,
       f.is_enough, f.praised, f.faulted, f.n_praised, f.n_faulted, f.grade_praised,
       f.grade_faulted, f.grade_difference, f.grade_difference_half_interval,
       f.is_enough_difference
FROM mart.compared_movies m
JOIN mart.aspect_figures f USING (imdb_id);
CREATE UNIQUE INDEX compared_aspects_key ON mart.compared_aspects (imdb_id, position);
COMMENT ON MATERIALIZED VIEW mart.compared_aspects IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it, as of the end of the last job.';
COMMENT ON COLUMN mart.compared_aspects.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.compared_aspects.movie IS 'Title and year.';
COMMENT ON COLUMN mart.compared_aspects.reviews IS 'Current reviews of the movie.';
COMMENT ON COLUMN mart.compared_aspects.position IS '0 for the whole, 1 to 5 for the aspects in their order.';
COMMENT ON COLUMN mart.compared_aspects.aspect IS 'Overall, Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.compared_aspects.scored_reviews IS 'Scored reviews of the movie.';
COMMENT ON COLUMN mart.compared_aspects.mentions IS 'Reviews that mention the aspect: the n of mean_score; null for none.';
COMMENT ON COLUMN mart.compared_aspects.share_mentioned IS 'Mentions over scored reviews.';
COMMENT ON COLUMN mart.compared_aspects.mean_score IS 'Mean score of the mentions, -2 to 2.';
COMMENT ON COLUMN mart.compared_aspects.half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.compared_aspects.is_enough IS '30 mentions and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.compared_aspects.praised IS 'Mentions with a score above 0.';
COMMENT ON COLUMN mart.compared_aspects.faulted IS 'Mentions with a score below 0.';
COMMENT ON COLUMN mart.compared_aspects.n_praised IS 'Of those that praise it, how many have stars: the n of grade_praised.';
COMMENT ON COLUMN mart.compared_aspects.n_faulted IS 'Of those that fault it, how many have stars: the n of grade_faulted.';
COMMENT ON COLUMN mart.compared_aspects.grade_praised IS 'Mean stars of the reviews that praise it, 1 to 10.';
COMMENT ON COLUMN mart.compared_aspects.grade_faulted IS 'Mean stars of the reviews that fault it, 1 to 10.';
COMMENT ON COLUMN mart.compared_aspects.grade_difference IS 'grade_praised less grade_faulted: what goes with the grade, which need not cause it; null below two of either.';
COMMENT ON COLUMN mart.compared_aspects.grade_difference_half_interval IS 'Half the width of its 95 % interval.';
COMMENT ON COLUMN mart.compared_aspects.is_enough_difference IS '10 with stars of either kind, 30 together, and 20 % coverage: below, the difference is grey and never ranked.';
