-- The one place where scores are held against grades.
-- Spearman's correlation: reviews with the same grade share the mean of their ranks. Counted from the
-- mean rank, twice that rank is the number of reviews up to this grade less that from this grade on.
-- A contradiction: a grade of 4 or below with an overall above 0, or of 7 or above with one below 0;
-- of those reviews whose grade is not 5 or 6 and whose overall is not 0.
-- The coverage is not asked: these figures are about the analyser, not about the movie.
CREATE VIEW mart.grade_agreement AS
WITH cells AS (
    SELECT analyser_id, imdb_id, rating_1_10, overall, reviews FROM mart.graded_scores
    UNION ALL
    SELECT analyser_id, NULL, rating_1_10, overall, sum(reviews)::bigint FROM mart.graded_scores
    GROUP BY analyser_id, rating_1_10, overall
), ranked AS (
    SELECT analyser_id, imdb_id, reviews,
           mart.grade_sign(rating_1_10) * sign(overall) AS agreement,
           (sum(reviews) OVER (of_one ORDER BY rating_1_10)
            - sum(reviews) OVER (of_one ORDER BY rating_1_10 DESC))::double precision AS by_grade,
           (sum(reviews) OVER (of_one ORDER BY overall)
            - sum(reviews) OVER (of_one ORDER BY overall DESC))::double precision AS by_score
    FROM cells
    WINDOW of_one AS (PARTITION BY analyser_id, imdb_id)
), counted AS (
    SELECT analyser_id, imdb_id, sum(reviews)::bigint AS rated_reviews,
           sum(reviews * by_grade * by_score)
               / nullif(sqrt(sum(reviews * by_grade ^ 2) * sum(reviews * by_score ^ 2)), 0)
               AS spearman,
           coalesce(sum(reviews) FILTER (WHERE agreement <> 0), 0)::bigint AS decided_reviews,
           coalesce(sum(reviews) FILTER (WHERE agreement < 0), 0)::bigint AS contradicting_reviews
    FROM ranked
    GROUP BY analyser_id, imdb_id
)
SELECT c.analyser_id, mart.analyser_name(a.model) AS analyser,
       a.prompt_version AS analyser_version,
       c.imdb_id, CASE WHEN c.imdb_id IS NULL THEN 'All movies' ELSE n.movie END AS movie,
       c.imdb_id IS NULL AS is_overall,
       coalesce(m.active_analyser_id = c.analyser_id, false) AS is_shown,
       c.rated_reviews,
       CASE WHEN c.rated_reviews >= mart.enough_reviews() THEN c.spearman END AS spearman,
       c.decided_reviews, c.contradicting_reviews,
       CASE WHEN c.decided_reviews >= mart.enough_reviews()
            THEN c.contradicting_reviews::double precision / c.decided_reviews END
           AS contradicting_share
FROM counted c
JOIN core.analysers a USING (analyser_id)
LEFT JOIN core.movies m ON m.imdb_id = c.imdb_id
LEFT JOIN mart.movie_names n ON n.imdb_id = c.imdb_id;
COMMENT ON VIEW mart.grade_agreement IS 'One row per analyser and movie, and one per analyser over all movies: whether its scores go with the grades that the same people gave.';
COMMENT ON COLUMN mart.grade_agreement.analyser_id IS 'Who read the reviews.';
COMMENT ON COLUMN mart.grade_agreement.analyser IS 'The same by name.';
COMMENT ON COLUMN mart.grade_agreement.analyser_version IS 'Version of the prompt, or of the lexicon.';
COMMENT ON COLUMN mart.grade_agreement.imdb_id IS 'The movie, by its IMDb id; null over all movies.';
COMMENT ON COLUMN mart.grade_agreement.movie IS 'Title and year of the movie, or "All movies".';
COMMENT ON COLUMN mart.grade_agreement.is_overall IS 'Whether this is the row over all movies.';
COMMENT ON COLUMN mart.grade_agreement.is_shown IS 'Whether the movie is shown under this analyser; false over all movies.';
COMMENT ON COLUMN mart.grade_agreement.rated_reviews IS 'Current reviews with a grade and an overall score: the n of spearman.';
COMMENT ON COLUMN mart.grade_agreement.spearman IS 'Whether reviews with a better grade get a better overall score: Spearman''s correlation of ranks, from -1 to 1; null below 30 reviews, or if all have the same grade or score.';
COMMENT ON COLUMN mart.grade_agreement.decided_reviews IS 'Of these, how many have a grade other than 5 or 6 and an overall score other than 0: the n of contradicting_share.';
COMMENT ON COLUMN mart.grade_agreement.contradicting_reviews IS 'Of these, how many have a good grade and a bad overall score, or the other way round.';
COMMENT ON COLUMN mart.grade_agreement.contradicting_share IS 'Their share, 0 to 1; null below 30 decided reviews.';
