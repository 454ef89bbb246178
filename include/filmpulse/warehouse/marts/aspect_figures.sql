-- The one place where mentions of an aspect are counted. The coverage comes with the opinions: without
-- any there is never enough.
CREATE VIEW mart.aspect_figures AS
SELECT m.imdb_id, n.movie, f.position, f.aspect, f.scored_reviews, f.mentions,
       f.mentions::double precision / nullif(f.scored_reviews, 0) AS share_mentioned,
       f.mean_score::double precision AS mean_score,
       mart.half_interval(f.sd::double precision, f.mentions) AS half_interval,
       mart.interval_end(f.mean_score, -1, f.sd, f.mentions) AS score_low,
       mart.interval_end(f.mean_score, +1, f.sd, f.mentions) AS score_high,
       mart.is_enough(f.mentions, f.coverage) AS is_enough,
       f.praised, f.faulted, f.n_praised, f.n_faulted, f.grade_praised, f.grade_faulted,
       CASE WHEN least(f.n_praised, f.n_faulted) >= 2
            THEN f.grade_praised - f.grade_faulted END AS grade_difference,
       mart.difference_half_interval(f.var_praised, f.n_praised, f.var_faulted, f.n_faulted)
           AS grade_difference_half_interval,
       mart.is_enough_difference(f.n_praised, f.n_faulted, f.coverage) AS is_enough_difference
FROM core.movies m
LEFT JOIN mart.movie_names n USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT p.position, p.aspect, o.*, coalesce(o.counted, 0) AS mentions,
           coalesce(max(o.counted) FILTER (WHERE p.position = 0) OVER (), 0) AS scored_reviews
    FROM (SELECT 0 AS position, 'Overall' AS aspect
          UNION ALL
          SELECT a.position::integer, initcap(a.name)
          FROM unnest(mart.aspects()) WITH ORDINALITY AS a (name, position)) p
    LEFT JOIN (
        SELECT position AS of_position, count(*) AS counted, avg(score) AS mean_score,
               stddev_samp(score) AS sd, max(coverage) AS coverage,
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
    ) o ON o.of_position = p.position
) f;
COMMENT ON VIEW mart.aspect_figures IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it.';
