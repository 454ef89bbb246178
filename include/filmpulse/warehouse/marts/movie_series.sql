CREATE VIEW mart.movie_series AS
SELECT n.imdb_id, n.movie, q.grain, q.starts_on,
       q.starts_on - m.release_date AS days_since_release,
       q.reviews, q.graded_reviews, q.mean_stars,
       mart.half_interval(q.sd_stars::double precision, q.graded_reviews) AS stars_half_interval,
       q.scored_reviews, q.mean_overall,
       mart.half_interval(q.sd_overall::double precision, q.scored_reviews) AS overall_half_interval,
       q.reviews_so_far, q.graded_so_far,
       q.stars_so_far::double precision / nullif(q.graded_so_far, 0) AS mean_stars_so_far
FROM mart.movie_names n
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT g.grain, date_trunc(g.grain, r.submitted_on::timestamp)::date AS starts_on,
           count(*) AS reviews,
           count(r.rating_1_10) AS graded_reviews,
           avg(r.rating_1_10)::double precision AS mean_stars,
           stddev_samp(r.rating_1_10) AS sd_stars,
           count(r.overall) AS scored_reviews,
           avg(r.overall)::double precision AS mean_overall,
           stddev_samp(r.overall) AS sd_overall,
           sum(count(*)) OVER so_far AS reviews_so_far,
           sum(count(r.rating_1_10)) OVER so_far AS graded_so_far,
           sum(sum(r.rating_1_10)) OVER so_far AS stars_so_far
    FROM mart.reviews r
    CROSS JOIN (VALUES ('day'), ('week')) AS g (grain)
    WHERE r.imdb_id = n.imdb_id AND r.submitted_on IS NOT NULL
    GROUP BY date_trunc(g.grain, r.submitted_on::timestamp), g.grain
    WINDOW so_far AS (PARTITION BY g.grain ORDER BY date_trunc(g.grain, r.submitted_on::timestamp))
) q;
COMMENT ON VIEW mart.movie_series IS 'One row per movie and day, and one per movie and week, in which reviews were submitted.';
COMMENT ON COLUMN mart.movie_series.grain IS 'day or week; choose one.';
COMMENT ON COLUMN mart.movie_series.starts_on IS 'The day, or the Monday of the week.';
COMMENT ON COLUMN mart.movie_series.days_since_release IS 'Days from the release to starts_on; null when the release is unknown.';
COMMENT ON COLUMN mart.movie_series.reviews IS 'Current reviews submitted then.';
COMMENT ON COLUMN mart.movie_series.scored_reviews IS 'How many have an overall score: the n of mean_overall.';
