-- Movie by movie, since the planner cannot know how many rows of all movies fit each other. The
-- coverage is taken along within, so that it is counted before the opinions are read, not for each.
CREATE VIEW mart.opinions AS
SELECT o.source, o.review_id, c.imdb_id, c.movie, o.submitted_on, o.language,
       mart.language_name(o.language) AS language_name, o.is_spoiler, o.rating_1_10,
       m.active_analyser_id AS analyser_id, o.coverage, o.position, o.aspect, o.score,
       mart.score_label(o.score) AS score_label, o.quote
FROM mart.movie_counts c
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT r.source, r.review_id, r.submitted_on, r.language, r.is_spoiler, r.rating_1_10,
           c.coverage, 0 AS position, 'Overall' AS aspect, a.overall AS score,
           a.overall_quote AS quote
    FROM mart.current_reviews r
    JOIN core.review_analyses a USING (source, review_id, content_hash)
    WHERE r.imdb_id = c.imdb_id
      AND (a.imdb_id, a.analyser_id) = (c.imdb_id, m.active_analyser_id) AND a.overall IS NOT NULL
    UNION ALL
    SELECT r.source, r.review_id, r.submitted_on, r.language, r.is_spoiler, r.rating_1_10,
           c.coverage,
           array_position(mart.aspects(), a.aspect),
           initcap(a.aspect), a.score, a.quote
    FROM mart.current_reviews r
    JOIN core.aspect_scores a USING (source, review_id, content_hash)
    WHERE r.imdb_id = c.imdb_id
      AND (a.imdb_id, a.analyser_id) = (c.imdb_id, m.active_analyser_id)
) o;
COMMENT ON VIEW mart.opinions IS 'One row per opinion of a current, scored review: one on the whole, and one on each aspect that it mentions.';
COMMENT ON COLUMN mart.opinions.source IS 'Where the review stands.';
COMMENT ON COLUMN mart.opinions.review_id IS 'The site''s own id.';
COMMENT ON COLUMN mart.opinions.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.opinions.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.opinions.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN mart.opinions.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN mart.opinions.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.opinions.is_spoiler IS 'The review is marked as a spoiler; do not show its quote unasked.';
COMMENT ON COLUMN mart.opinions.rating_1_10 IS 'Stars of the review; null when none were given.';
COMMENT ON COLUMN mart.opinions.analyser_id IS 'Who read it: the movie''s active analyser.';
COMMENT ON COLUMN mart.opinions.coverage IS 'Coverage of the movie: with the count it says whether a mean is enough to be compared.';
COMMENT ON COLUMN mart.opinions.position IS '0 for the whole, 1 to 5 for the aspects in their order.';
COMMENT ON COLUMN mart.opinions.aspect IS 'Overall, Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.opinions.score IS '-2 very negative to 2 very positive.';
COMMENT ON COLUMN mart.opinions.score_label IS 'The score in words.';
COMMENT ON COLUMN mart.opinions.quote IS 'An exact piece of the text; null when none could be verified.';
