CREATE MATERIALIZED VIEW mart.compared_aspects AS
SELECT m.imdb_id, m.movie, m.reviews, o.position, o.aspect, m.scored_reviews, o.mentions,
       o.mentions::double precision / nullif(m.scored_reviews, 0) AS share_mentioned,
       o.mean_score, mart.half_interval(o.sd::double precision, o.mentions) AS half_interval,
       mart.is_enough(o.mentions, m.coverage) AS is_enough,
       o.praised, o.faulted, o.n_praised, o.n_faulted, o.grade_praised, o.grade_faulted,
       CASE WHEN o.n_praised >= 2 AND o.n_faulted >= 2
            THEN o.grade_praised - o.grade_faulted END AS grade_difference,
       CASE WHEN o.n_praised >= 2 AND o.n_faulted >= 2
            THEN 1.96 * sqrt(o.var_praised / o.n_praised + o.var_faulted / o.n_faulted) END
           AS grade_difference_half_interval,
       mart.is_enough_difference(o.n_praised, o.n_faulted, m.coverage) AS is_enough_difference
FROM mart.compared_movies m
CROSS JOIN LATERAL (
    SELECT *
    FROM (VALUES (0, 'Overall'), (1, 'Storytelling'), (2, 'Acting'), (3, 'Visuals'), (4, 'Sound'),
                 (5, 'Themes')) AS p (position, aspect)
    LEFT JOIN (
        SELECT position, count(*) AS mentions, avg(score)::double precision AS mean_score,
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
        WHERE opinions.imdb_id = m.imdb_id
        GROUP BY position
    ) of_aspect USING (position)
) o;
CREATE UNIQUE INDEX compared_aspects_key ON mart.compared_aspects (imdb_id, position);
COMMENT ON MATERIALIZED VIEW mart.compared_aspects IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it, as of the end of the last job.';
COMMENT ON COLUMN mart.compared_aspects.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.compared_aspects.movie IS 'Title and year.';
COMMENT ON COLUMN mart.compared_aspects.reviews IS 'Living reviews of the movie.';
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
