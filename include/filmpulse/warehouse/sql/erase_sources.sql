-- The sources of all reviews.
SELECT DISTINCT source FROM core.reviews ORDER BY source
