-- Movie by movie, so that a query for one reads the analyses of that movie only.
CREATE VIEW mart.movie_costs AS
SELECT m.imdb_id, n.movie, a.analyser_id, a.kind, a.model, a.prompt_version,
       a.analyser_id IS NOT DISTINCT FROM m.active_analyser_id AS is_shown, s.scored_texts,
       s.input_tokens, s.output_tokens, s.cost_usd
FROM core.movies m
JOIN mart.movie_names n USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT r.analyser_id, count(r.overall) AS scored_texts,
           coalesce(sum(r.input_tokens), 0) AS input_tokens,
           coalesce(sum(r.output_tokens), 0) AS output_tokens, coalesce(sum(r.cost_usd), 0) AS cost_usd
    FROM core.review_analyses r
    WHERE r.imdb_id = m.imdb_id
    GROUP BY r.analyser_id
) s
JOIN core.analysers a USING (analyser_id);
COMMENT ON VIEW mart.movie_costs IS 'One row per movie and analyser that read texts of it: how many, and what its answers about reviews that we still hold cost.';
COMMENT ON COLUMN mart.movie_costs.analyser_id IS 'Our number for the analyser.';
COMMENT ON COLUMN mart.movie_costs.kind IS 'lexicon or llm.';
COMMENT ON COLUMN mart.movie_costs.model IS 'The model''s name; null for the lexicon.';
COMMENT ON COLUMN mart.movie_costs.prompt_version IS 'Version of the prompt, or of the lexicon.';
COMMENT ON COLUMN mart.movie_costs.is_shown IS 'Whether the movie is shown under this analyser.';
COMMENT ON COLUMN mart.movie_costs.scored_texts IS 'Texts of its reviews with a score of the analyser, earlier versions among them.';
