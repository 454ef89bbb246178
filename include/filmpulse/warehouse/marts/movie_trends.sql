-- The latest quarter of the scored reviews, by day, against all earlier ones; enough reviews on either
-- side (docs/adr/0011).
CREATE VIEW mart.movie_trends AS
SELECT n.imdb_id, n.movie, t.recent_n, t.earlier_n,
       CASE WHEN d.difference IS NULL THEN 'too few'
            WHEN abs(d.difference) <= d.half_interval THEN 'steady'
            WHEN d.difference > 0 THEN 'rising' ELSE 'falling' END AS trend,
       CASE WHEN d.difference IS NOT NULL THEN t.since END AS since,
       d.difference, d.half_interval
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE is_recent) AS recent_n,
           count(*) FILTER (WHERE NOT is_recent) AS earlier_n,
           min(submitted_on) FILTER (WHERE is_recent) AS since,
           avg(overall) FILTER (WHERE is_recent)::double precision AS recent_mean,
           avg(overall) FILTER (WHERE NOT is_recent)::double precision AS earlier_mean,
           var_samp(overall) FILTER (WHERE is_recent)::double precision AS recent_variance,
           var_samp(overall) FILTER (WHERE NOT is_recent)::double precision AS earlier_variance
    FROM (
        SELECT r.overall, r.submitted_on,
               row_number() OVER (ORDER BY r.submitted_on DESC, r.review_id DESC)
                   <= greatest(mart.enough_reviews(), count(*) OVER () / 4) AS is_recent
        FROM mart.reviews r
        WHERE r.imdb_id = n.imdb_id AND r.overall IS NOT NULL AND r.submitted_on IS NOT NULL
    ) scored
) t
LEFT JOIN LATERAL (
    SELECT t.recent_mean - t.earlier_mean AS difference,
           mart.difference_half_interval(
               t.recent_variance, t.recent_n, t.earlier_variance, t.earlier_n) AS half_interval
    WHERE least(t.recent_n, t.earlier_n) >= mart.enough_reviews()
) d ON true;
COMMENT ON VIEW mart.movie_trends IS 'One row per movie: whether its latest reviews are better or worse than those before.';
COMMENT ON COLUMN mart.movie_trends.recent_n IS 'Reviews in the latest quarter of the scored ones, 30 at least.';
COMMENT ON COLUMN mart.movie_trends.earlier_n IS 'Scored reviews before those.';
COMMENT ON COLUMN mart.movie_trends.trend IS 'rising, falling, steady (the difference lies within its interval), or too few (fewer than 30 on either side).';
COMMENT ON COLUMN mart.movie_trends.since IS 'Day of the first of the latest reviews; null when there are too few.';
COMMENT ON COLUMN mart.movie_trends.difference IS 'Mean overall score of the latest reviews less that of those before; null when there are too few.';
COMMENT ON COLUMN mart.movie_trends.half_interval IS 'Half the width of the 95 % interval of the difference.';
