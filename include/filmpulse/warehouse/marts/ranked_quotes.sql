-- The one ranking of quotes. First come those that repeat no other and that no other aspect shares;
-- then the strongest, of a readable length, from the review that readers found most helpful. Every
-- window is partitioned by is_spoiler, and every one but the innermost by is_praise: so a query for one
-- kind alone sorts only that. What tells most rows apart comes first, numbers before texts.
CREATE VIEW mart.ranked_quotes AS
SELECT n.imdb_id, n.movie, q.source, q.review_id, q.submitted_on, q.language,
       mart.language_name(q.language) AS language_name, q.rating_1_10, initcap((mart.aspects())[q.position]) AS aspect,
       q.score, mart.score_label(q.score) AS score_label, q.is_praise, q.is_spoiler, q.quote,
       q.helpful_up, q.place
FROM mart.movie_names n
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT s.*,
           row_number() OVER (
               PARTITION BY s.position, s.is_praise, s.is_spoiler
               ORDER BY s.telling, s.shared_by, abs(s.score) DESC,
                        length(s.quote) NOT BETWEEN 30 AND 160, s.helpful_up DESC,
                        s.source COLLATE "C", s.review_id COLLATE "C") AS place
    FROM (
        SELECT p.*,
               row_number() OVER (
                   PARTITION BY p.position, p.is_praise, p.is_spoiler, p.quote COLLATE "C"
                   ORDER BY p.shared_by, abs(p.score) DESC, p.helpful_up DESC,
                            p.source COLLATE "C", p.review_id COLLATE "C") AS telling
        FROM (
            SELECT r.source, r.review_id, r.submitted_on, r.language, r.rating_1_10,
                   r.is_spoiler, coalesce(r.helpful_up, 0) AS helpful_up,
                   array_position(mart.aspects(), a.aspect) AS position, a.score, a.score > 0 AS is_praise, a.quote,
                   count(*) OVER (PARTITION BY r.review_id COLLATE "C", a.quote_start,
                                               r.source COLLATE "C", r.is_spoiler) AS shared_by
            FROM mart.current_reviews r
            JOIN core.aspect_scores a USING (source, review_id, content_hash)
            WHERE r.imdb_id = m.imdb_id
              AND (a.imdb_id, a.analyser_id) = (m.imdb_id, m.active_analyser_id)
              AND a.quote IS NOT NULL AND a.score <> 0
        ) p
    ) s
) q;
COMMENT ON VIEW mart.ranked_quotes IS 'One row per quote that praises or faults an aspect, best first; those of spoilers apart.';
COMMENT ON COLUMN mart.ranked_quotes.aspect IS 'Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.ranked_quotes.score IS '-2 very negative to 2 very positive, never 0.';
COMMENT ON COLUMN mart.ranked_quotes.is_praise IS 'Whether the score is above 0.';
COMMENT ON COLUMN mart.ranked_quotes.quote IS 'An exact piece of the review.';
COMMENT ON COLUMN mart.ranked_quotes.place IS 'Its place among the quotes that praise, or fault, this aspect of the movie, of spoilers or of others: 1 is the best.';
