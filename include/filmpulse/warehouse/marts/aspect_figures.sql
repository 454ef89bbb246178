-- The one place where mentions of an aspect are counted.
CREATE VIEW mart.aspect_figures AS
SELECT c.imdb_id, c.movie, f.position, f.aspect, f.scored_reviews, f.mentions,
       f.mentions::double precision / nullif(f.scored_reviews, 0) AS share_mentioned,
       f.mean_score::double precision AS mean_score,
       mart.half_interval(f.sd::double precision, f.mentions) AS half_interval,
       mart.interval_end(f.mean_score, -1, f.sd, f.mentions) AS score_low,
       mart.interval_end(f.mean_score, +1, f.sd, f.mentions) AS score_high,
       mart.is_enough(f.mentions, c.coverage) AS is_enough,
       f.praised, f.faulted, f.n_praised, f.n_faulted, f.grade_praised, f.grade_faulted,
       CASE WHEN least(f.n_praised, f.n_faulted) >= 2
            THEN f.grade_praised - f.grade_faulted END AS grade_difference,
       mart.difference_half_interval(f.var_praised, f.n_praised, f.var_faulted, f.n_faulted)
           AS grade_difference_half_interval,
       mart.is_enough_difference(f.n_praised, f.n_faulted, c.coverage) AS is_enough_difference
FROM mart.movie_counts c
CROSS JOIN LATERAL (
    SELECT p.position, p.aspect, o.*, coalesce(o.counted, 0) AS mentions,
           coalesce(max(o.counted) FILTER (WHERE p.position = 0) OVER (), 0) AS scored_reviews
    FROM (SELECT 0 AS position, 'Overall' AS aspect
          UNION ALL
          SELECT a.position::integer, initcap(a.name)
          FROM unnest(mart.aspects()) WITH ORDINALITY AS a (name, position)) p
    LEFT JOIN (
        SELECT position AS of_position, count(*) AS counted, avg(score) AS mean_score,
               stddev_samp(score) AS sd,
               count(*) FILTER (WHERE score > 0) AS praised,
               count(*) FILTER (WHERE score < 0) AS faulted,
               count(rating_1_10) FILTER (WHERE score > 0) AS n_praised,
               count(rating_1_10) FILTER (WHERE score < 0) AS n_faulted,
               avg(rating_1_10) FILTER (WHERE score > 0)::double precision AS grade_praised,
               avg(rating_1_10) FILTER (WHERE score < 0)::double precision AS grade_faulted,
               var_samp(rating_1_10) FILTER (WHERE score > 0)::double precision AS var_praised,
               var_samp(rating_1_10) FILTER (WHERE score < 0)::double precision AS var_faulted
        FROM mart.opinions
        WHERE opinions.imdb_id = c.imdb_id
        GROUP BY position
    ) o ON o.of_position = p.position
) f;
COMMENT ON VIEW mart.aspect_figures IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it.';
COMMENT ON COLUMN mart.aspect_figures.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.aspect_figures.movie IS 'Title and year.';
COMMENT ON COLUMN mart.aspect_figures.position IS '0 for the whole, 1 to 5 for the aspects in their order.';
COMMENT ON COLUMN mart.aspect_figures.aspect IS 'Overall, Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.aspect_figures.scored_reviews IS 'Scored reviews of the movie.';
COMMENT ON COLUMN mart.aspect_figures.mentions IS 'Reviews that mention the aspect: the n of mean_score.';
COMMENT ON COLUMN mart.aspect_figures.share_mentioned IS 'Mentions over scored reviews.';
COMMENT ON COLUMN mart.aspect_figures.mean_score IS 'Mean score of the mentions, -2 to 2.';
COMMENT ON COLUMN mart.aspect_figures.half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.aspect_figures.score_low IS 'Lower end of that interval, on the scale.';
COMMENT ON COLUMN mart.aspect_figures.score_high IS 'Upper end of that interval, on the scale.';
COMMENT ON COLUMN mart.aspect_figures.is_enough IS '30 mentions and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.aspect_figures.praised IS 'Mentions with a score above 0.';
COMMENT ON COLUMN mart.aspect_figures.faulted IS 'Mentions with a score below 0.';
COMMENT ON COLUMN mart.aspect_figures.n_praised IS 'Of those that praise it, how many have stars: the n of grade_praised.';
COMMENT ON COLUMN mart.aspect_figures.n_faulted IS 'Of those that fault it, how many have stars: the n of grade_faulted.';
COMMENT ON COLUMN mart.aspect_figures.grade_praised IS 'Mean stars of the reviews that praise it, 1 to 10.';
COMMENT ON COLUMN mart.aspect_figures.grade_faulted IS 'Mean stars of the reviews that fault it, 1 to 10.';
COMMENT ON COLUMN mart.aspect_figures.grade_difference IS 'grade_praised less grade_faulted: what goes with the grade, which need not cause it; null below two of either.';
COMMENT ON COLUMN mart.aspect_figures.grade_difference_half_interval IS 'Half the width of its 95 % interval.';
COMMENT ON COLUMN mart.aspect_figures.is_enough_difference IS '10 with stars of either kind, 30 together, and 20 % coverage: below, the difference is grey and never ranked.';
