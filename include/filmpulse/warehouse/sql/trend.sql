-- The last 90 days against all before them, by the day a review was submitted.
SELECT r.submitted_on > last.day - 90 AS is_recent,
       count(r.overall) AS n, avg(r.overall)::double precision AS mean,
       stddev_samp(r.overall)::double precision AS sd
FROM mart.reviews r,
     (SELECT max(submitted_on) AS day FROM mart.reviews WHERE imdb_id = %(imdb_id)s) last
WHERE r.imdb_id = %(imdb_id)s AND r.overall IS NOT NULL AND r.submitted_on IS NOT NULL
GROUP BY 1
