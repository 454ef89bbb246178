CREATE VIEW mart.analysers AS
SELECT a.analyser_id, a.kind, a.model, a.prompt_version, a.parameters,
       (SELECT count(*) FROM core.movies m WHERE m.active_analyser_id = a.analyser_id) AS movies,
       coalesce(s.texts, 0) AS scored_texts,
       coalesce(s.usd, 0) AS cost_usd
FROM core.analysers a
LEFT JOIN (
    SELECT analyser_id, count(overall) AS texts, sum(cost_usd) AS usd
    FROM core.review_analyses
    GROUP BY analyser_id
) s USING (analyser_id);
COMMENT ON VIEW mart.analysers IS 'What has made scores, and how much is shown of it.';
COMMENT ON COLUMN mart.analysers.analyser_id IS 'Our number for it.';
COMMENT ON COLUMN mart.analysers.model IS 'The model''s name; null for the lexicon.';
COMMENT ON COLUMN mart.analysers.movies IS 'Movies that are shown under it.';
COMMENT ON COLUMN mart.analysers.scored_texts IS 'Texts of reviews with a score of it, earlier versions among them.';
COMMENT ON COLUMN mart.analysers.cost_usd IS 'What its answers about reviews that we still hold cost (USD); mart.llm_days has all that was spent.';
