CREATE VIEW mart.aspect_series AS
SELECT n.imdb_id, n.movie, q.grain, q.starts_on,
       q.starts_on - m.release_date AS days_since_release, q.position, q.aspect, q.n, q.mean_score,
       mart.half_interval(q.sd_score::double precision, q.n) AS half_interval,
       mart.is_enough(q.n, q.coverage) AS is_enough
FROM mart.movie_names n
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT g.grain, date_trunc(g.grain, o.submitted_on::timestamp)::date AS starts_on, o.position,
           max(o.aspect) AS aspect, max(o.coverage) AS coverage, count(*) AS n,
           avg(o.score)::double precision AS mean_score, stddev_samp(o.score) AS sd_score
    FROM mart.opinions o
    CROSS JOIN (VALUES ('week'), ('month'), ('quarter')) AS g (grain)
    WHERE o.imdb_id = n.imdb_id AND o.submitted_on IS NOT NULL
    GROUP BY date_trunc(g.grain, o.submitted_on::timestamp), o.position, g.grain
) q;
COMMENT ON VIEW mart.aspect_series IS 'One row per movie, aspect (and the whole), and week, month or quarter in which such an opinion was submitted.';
COMMENT ON COLUMN mart.aspect_series.grain IS 'week, month or quarter; choose one.';
COMMENT ON COLUMN mart.aspect_series.starts_on IS 'The first day of that time.';
COMMENT ON COLUMN mart.aspect_series.days_since_release IS 'Days from the release to starts_on; null when the release is unknown.';
COMMENT ON COLUMN mart.aspect_series.n IS 'Opinions of that time: the n of mean_score.';
COMMENT ON COLUMN mart.aspect_series.mean_score IS 'Mean score of those opinions, -2 to 2.';
COMMENT ON COLUMN mart.aspect_series.is_enough IS '30 of that time and 20 % coverage of the movie: below, the mean is grey and never ranked.';
