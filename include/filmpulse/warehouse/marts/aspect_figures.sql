-- Mentions of an aspect are counted in `core.score_counts` alone, and read here alone. Without any
-- there is never enough. A movie that was not counted yet has no row.
CREATE VIEW mart.aspect_figures AS
SELECT m.imdb_id, c.movie, f.position, f.aspect, f.scored_reviews, f.mentions,
       f.mentions::double precision / nullif(f.scored_reviews, 0) AS share_mentioned,
       f.scores::double precision / nullif(f.mentions, 0) AS mean_score,
       mart.half_interval(f.sd, f.mentions) AS half_interval,
       mart.interval_end(f.scores::numeric / nullif(f.mentions, 0), -1, f.sd::numeric, f.mentions)
           AS score_low,
       mart.interval_end(f.scores::numeric / nullif(f.mentions, 0), +1, f.sd::numeric, f.mentions)
           AS score_high,
       mart.is_enough(f.mentions, c.coverage) AS is_enough,
       f.praised, f.faulted, f.n_praised, f.n_faulted, f.grade_praised, f.grade_faulted,
       CASE WHEN least(f.n_praised, f.n_faulted) >= 2
            THEN f.grade_praised - f.grade_faulted END AS grade_difference,
       mart.difference_half_interval(
           mart.sample_variance(f.n_praised, f.stars_praised, f.squares_praised), f.n_praised,
           mart.sample_variance(f.n_faulted, f.stars_faulted, f.squares_faulted), f.n_faulted)
           AS grade_difference_half_interval,
       mart.is_enough_difference(f.n_praised, f.n_faulted, c.coverage) AS is_enough_difference
FROM core.movies m
JOIN mart.movie_counts c USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT p.position, p.aspect, o.*, coalesce(o.counted, 0) AS mentions,
           sqrt(mart.sample_variance(o.counted, o.scores, o.squared_scores)) AS sd,
           o.stars_praised::double precision / nullif(o.n_praised, 0) AS grade_praised,
           o.stars_faulted::double precision / nullif(o.n_faulted, 0) AS grade_faulted,
           coalesce(max(o.counted) FILTER (WHERE p.position = 0) OVER (), 0) AS scored_reviews
    FROM (SELECT 0 AS position, 'Overall' AS aspect
          UNION ALL
          SELECT a.position::integer, initcap(a.name)
          FROM unnest(mart.aspects()) WITH ORDINALITY AS a (name, position)) p
    LEFT JOIN (
        SELECT position AS of_position, sum(reviews)::bigint AS counted,
               sum(score * reviews)::bigint AS scores,
               sum(score * score * reviews)::bigint AS squared_scores,
               coalesce(sum(reviews) FILTER (WHERE score > 0), 0)::bigint AS praised,
               coalesce(sum(reviews) FILTER (WHERE score < 0), 0)::bigint AS faulted,
               coalesce(sum(graded_reviews) FILTER (WHERE score > 0), 0)::bigint AS n_praised,
               coalesce(sum(graded_reviews) FILTER (WHERE score < 0), 0)::bigint AS n_faulted,
               (sum(stars) FILTER (WHERE score > 0))::bigint AS stars_praised,
               (sum(stars) FILTER (WHERE score < 0))::bigint AS stars_faulted,
               (sum(squared_stars) FILTER (WHERE score > 0))::bigint AS squares_praised,
               (sum(squared_stars) FILTER (WHERE score < 0))::bigint AS squares_faulted
        FROM core.score_counts
        WHERE (imdb_id, analyser_id) = (m.imdb_id, m.active_analyser_id)
        GROUP BY position
    ) o ON o.of_position = p.position
) f
WHERE c.reviews IS NOT NULL;
COMMENT ON VIEW mart.aspect_figures IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it.';
