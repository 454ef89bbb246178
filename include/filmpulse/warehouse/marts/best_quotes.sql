CREATE VIEW mart.best_quotes AS
SELECT imdb_id, movie, source, review_id, submitted_on, language, language_name, rating_1_10, aspect,
       score, score_label, is_praise, quote, helpful_up, place
FROM mart.ranked_quotes
WHERE NOT is_spoiler;
COMMENT ON VIEW mart.best_quotes IS 'One row per quote that praises or faults an aspect, best first; never of a spoiler.';
COMMENT ON COLUMN mart.best_quotes.aspect IS 'Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.best_quotes.score IS '-2 very negative to 2 very positive, never 0.';
COMMENT ON COLUMN mart.best_quotes.is_praise IS 'Whether the score is above 0.';
COMMENT ON COLUMN mart.best_quotes.quote IS 'An exact piece of the review.';
COMMENT ON COLUMN mart.best_quotes.place IS 'Its place among the quotes that praise, or fault, this aspect of the movie: 1 is the best.';
