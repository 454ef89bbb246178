CREATE VIEW mart.analysers AS
SELECT a.analyser_id, a.kind, a.model, mart.analyser_name(a.model) AS analyser,
       a.prompt_version, a.parameters,
       (SELECT count(*) FROM core.movies m WHERE m.active_analyser_id = a.analyser_id) AS movies,
       coalesce(s.texts, 0) AS scored_texts,
       coalesce(s.usd, 0) AS cost_usd,
       coalesce(g.rated_reviews, 0) AS rated_reviews, g.spearman, g.contradicting_share,
       coalesce(p.auditors, 0) AS auditors, coalesce(p.reviews, 0) AS audited_texts,
       p.sign_agreement AS audit_sign_agreement, p.kappa AS audit_kappa,
       CASE WHEN p.reviews IS NULL THEN 'not yet audited'
            ELSE 'audited by ' || p.auditors || CASE p.auditors WHEN 1 THEN ' person' ELSE ' people' END
                 || ' on ' || p.reviews || CASE p.reviews WHEN 1 THEN ' review' ELSE ' reviews' END
                 || coalesce(': agreement ' || round(100 * p.sign_agreement) || ' %', '')
                 || coalesce(', kappa ' || to_char(p.kappa, 'FM0.00'), '')
                 || CASE WHEN p.is_enough THEN '' ELSE ' (too few)' END END AS audit
FROM core.analysers a
LEFT JOIN (
    SELECT analyser_id, count(overall) AS texts, sum(cost_usd) AS usd
    FROM core.review_analyses
    GROUP BY analyser_id
) s USING (analyser_id)
LEFT JOIN mart.grade_agreement g ON g.analyser_id = a.analyser_id AND g.is_overall
LEFT JOIN mart.audit_agreement p
       ON p.analyser_id = a.analyser_id AND p.auditor IS NULL AND p.aspect = 'All aspects';
COMMENT ON VIEW mart.analysers IS 'What has made scores, how much is shown of it, and how far its scores can be trusted.';
COMMENT ON COLUMN mart.analysers.analyser_id IS 'Our number for it.';
COMMENT ON COLUMN mart.analysers.model IS 'The model''s name; null for the lexicon.';
COMMENT ON COLUMN mart.analysers.analyser IS 'What it is called.';
COMMENT ON COLUMN mart.analysers.movies IS 'Movies that are shown under it.';
COMMENT ON COLUMN mart.analysers.scored_texts IS 'Texts of reviews with a score of it, earlier versions among them.';
COMMENT ON COLUMN mart.analysers.cost_usd IS 'What its answers about reviews that we still hold cost (USD); mart.llm_days has all that was spent.';
COMMENT ON COLUMN mart.analysers.rated_reviews IS 'Current reviews with a grade and an overall score of it: the n of spearman.';
COMMENT ON COLUMN mart.analysers.spearman IS 'Whether reviews with a better grade get a better overall score, -1 to 1: Spearman''s correlation of ranks over all movies; null below 30 reviews.';
COMMENT ON COLUMN mart.analysers.contradicting_share IS 'Share of reviews with a good grade and a bad overall score, or the other way round, 0 to 1; grades of 5 and 6 and scores of 0 are left out. Null below 30 reviews.';
COMMENT ON COLUMN mart.analysers.auditors IS 'How many people labelled texts that it has read.';
COMMENT ON COLUMN mart.analysers.audited_texts IS 'How many such texts.';
COMMENT ON COLUMN mart.analysers.audit_sign_agreement IS 'In which share of these the aspects have the sign that the people gave, 0 to 1.';
COMMENT ON COLUMN mart.analysers.audit_kappa IS 'Cohen''s kappa of the scores of all aspects, weighted by the square of the distance.';
COMMENT ON COLUMN mart.analysers.audit IS 'The same in words; "not yet audited" until somebody read a sample (`filmpulse audit`).';
