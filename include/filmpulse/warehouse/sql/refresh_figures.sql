-- One transaction, so that the three agree; the later two are counted from the first.
REFRESH MATERIALIZED VIEW CONCURRENTLY mart.compared_movies;
REFRESH MATERIALIZED VIEW CONCURRENTLY mart.compared_aspects;
REFRESH MATERIALIZED VIEW CONCURRENTLY mart.compared_weeks
