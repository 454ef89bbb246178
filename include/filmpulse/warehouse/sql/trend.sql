-- The latest quarter of the scored reviews, 30 at least, against all before it; by the day on which
-- they were submitted.
WITH scored AS (
    SELECT overall, submitted_on,
           row_number() OVER (ORDER BY submitted_on DESC, review_id DESC) AS position,
           count(*) OVER () AS n
    FROM mart.reviews
    WHERE imdb_id = %(imdb_id)s AND overall IS NOT NULL AND submitted_on IS NOT NULL
)
SELECT position <= greatest(30, n / 4) AS is_recent, count(*) AS n, min(submitted_on) AS since,
       avg(overall)::double precision AS mean, stddev_samp(overall)::double precision AS sd
FROM scored
GROUP BY 1
