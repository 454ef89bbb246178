-- From counts alone, a few rows a movie. `core.movies` says which analyser is shown. Before a movie is
-- counted, after an upgrade, nothing is known of it, which is not 0.
CREATE VIEW mart.review_figures AS
SELECT m.imdb_id, r.reviews, r.graded_reviews, r.reviews - r.graded_reviews AS unrated_reviews,
       r.stars::double precision / nullif(r.graded_reviews, 0) AS mean_stars,
       mart.half_interval(
           sqrt(mart.sample_variance(r.graded_reviews, r.stars, r.squared_stars)), r.graded_reviews)
           AS stars_half_interval,
       r.first_review_on, r.last_review_on,
       a.analysed_reviews, r.reviews - a.analysed_reviews AS waiting_reviews, s.scored_reviews,
       s.scores::double precision / nullif(s.scored_reviews, 0) AS mean_overall,
       sqrt(mart.sample_variance(s.scored_reviews, s.scores, s.squared_scores)) AS sd_overall,
       sqrt((s.scored_reviews * s.squared_scores - s.scores * s.scores)::double precision)
           / nullif(s.scored_reviews, 0) / 2 AS polarisation,
       k.counted_at
FROM core.movies m
LEFT JOIN ops.counted_movies k USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN k.counted_at IS NOT NULL THEN coalesce(sum(c.reviews), 0)::bigint END AS reviews,
           CASE WHEN k.counted_at IS NOT NULL
                THEN coalesce(sum(c.graded_reviews), 0)::bigint END AS graded_reviews,
           sum(c.stars)::bigint AS stars, sum(c.squared_stars)::bigint AS squared_stars,
           min(c.first_review_on) AS first_review_on, max(c.last_review_on) AS last_review_on
    FROM core.source_counts c WHERE c.imdb_id = m.imdb_id
) r
CROSS JOIN LATERAL (
    SELECT CASE WHEN k.counted_at IS NOT NULL
                THEN coalesce(sum(c.reviews), 0)::bigint END AS analysed_reviews
    FROM core.status_counts c
    WHERE (c.imdb_id, c.analyser_id) = (m.imdb_id, m.active_analyser_id) AND mart.is_final(c.status)
) a
CROSS JOIN LATERAL (
    SELECT CASE WHEN k.counted_at IS NOT NULL
                THEN coalesce(sum(c.reviews), 0)::bigint END AS scored_reviews,
           sum(c.score * c.reviews)::bigint AS scores,
           sum(c.score * c.score * c.reviews)::bigint AS squared_scores
    FROM core.score_counts c
    WHERE (c.imdb_id, c.analyser_id, c.position) = (m.imdb_id, m.active_analyser_id, 0)
) s;
COMMENT ON VIEW mart.review_figures IS 'One row per movie: what is counted of its reviews, and of their scores by the active analyser.';
COMMENT ON COLUMN mart.review_figures.unrated_reviews IS 'Of these, how many have no stars.';
COMMENT ON COLUMN mart.review_figures.analysed_reviews IS 'Reviews that the active analyser has finished with, scored or not.';
COMMENT ON COLUMN mart.review_figures.scored_reviews IS 'Reviews with an overall score: the n of mean_overall and of polarisation.';
COMMENT ON COLUMN mart.review_figures.sd_overall IS 'Standard deviation of the overall scores; null below two.';
COMMENT ON COLUMN mart.review_figures.counted_at IS 'When these counts last changed (UTC); null before the movie was counted for the first time.';
