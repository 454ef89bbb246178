-- The definitions are those of `filmpulse evaluate` (docs/evaluation.md); a test holds these figures
-- against that code. Kappa weighted by the square of the distance: 1 less the mean square of the
-- distance over what chance would give, which is the two variances and the square of the two means'
-- distance.
CREATE VIEW mart.audit_agreement AS
SELECT f.analyser_id,
       CASE WHEN f.analyser_id IS NULL THEN 'two people' ELSE mart.analyser_name(a.model) END
           AS judge,
       a.prompt_version AS analyser_version, f.auditor, f.other_auditor, f.auditor IS NULL AS is_all,
       f.position,
       CASE WHEN f.position = 0 THEN 'Overall'
            ELSE coalesce(initcap((mart.aspects())[f.position]), 'All aspects') END AS aspect,
       f.auditors, f.reviews, f.labelled, f.found, f.compared,
       CASE WHEN f.position > 0
            THEN 2.0::double precision * f.compared / nullif(f.labelled + f.found, 0) END AS f1,
       f.signed, f.sign_agreement, f.exact_agreement, f.kappa,
       f.compared >= mart.enough_reviews() AS is_enough
FROM (
    SELECT s.analyser_id, s.auditor, s.other_auditor, p.position,
           count(DISTINCT s.auditor) AS auditors,
           count(DISTINCT (s.source, s.review_id, s.content_hash)) AS reviews,
           count(s.label) AS labelled, count(s.judged) AS found, count(s.label + s.judged) AS compared,
           count(*) FILTER (WHERE s.label <> 0 AND s.judged IS NOT NULL) AS signed,
           avg((sign(s.judged) = sign(s.label))::integer) FILTER (WHERE s.label <> 0)
               ::double precision AS sign_agreement,
           avg((s.judged = s.label)::integer)::double precision AS exact_agreement,
           1 - avg((s.judged - s.label) ^ 2)
               / nullif(var_pop(s.label::double precision) FILTER (WHERE s.judged IS NOT NULL)
                        + var_pop(s.judged::double precision) FILTER (WHERE s.label IS NOT NULL)
                        + avg(s.judged - s.label)::double precision ^ 2, 0) AS kappa
    FROM mart.audited_scores s
    CROSS JOIN LATERAL (
        SELECT s.position
        UNION ALL
        SELECT cardinality(mart.aspects()) + 1 WHERE s.position > 0
    ) p
    GROUP BY GROUPING SETS ((s.analyser_id, s.auditor, s.other_auditor, p.position),
                            (s.analyser_id, p.position))
) f
LEFT JOIN core.analysers a USING (analyser_id);
COMMENT ON VIEW mart.audit_agreement IS 'One row per analyser, auditor and aspect, and per two auditors and aspect: how far the two agree on the texts that both read. Rows without an auditor hold all auditors together.';
COMMENT ON COLUMN mart.audit_agreement.analyser_id IS 'The analyser that is held against a person; null where two people are held against each other.';
COMMENT ON COLUMN mart.audit_agreement.judge IS 'The analyser by name, or "two people".';
COMMENT ON COLUMN mart.audit_agreement.analyser_version IS 'Version of the prompt, or of the lexicon.';
COMMENT ON COLUMN mart.audit_agreement.auditor IS 'The person, as they named themselves; null for all together.';
COMMENT ON COLUMN mart.audit_agreement.other_auditor IS 'The second person, where two are held against each other.';
COMMENT ON COLUMN mart.audit_agreement.is_all IS 'Whether the row holds all auditors together, of two people all pairs; else auditor names one.';
COMMENT ON COLUMN mart.audit_agreement.position IS 'Their order: the whole, the five aspects, then all five together.';
COMMENT ON COLUMN mart.audit_agreement.aspect IS 'An aspect, "All aspects", or "Overall".';
COMMENT ON COLUMN mart.audit_agreement.auditors IS 'How many people''s labels count as right.';
COMMENT ON COLUMN mart.audit_agreement.reviews IS 'Texts that both read.';
COMMENT ON COLUMN mart.audit_agreement.labelled IS 'In how many the person finds the aspect judged.';
COMMENT ON COLUMN mart.audit_agreement.found IS 'In how many the analyser does, or the second person.';
COMMENT ON COLUMN mart.audit_agreement.compared IS 'In how many both do: the n of exact_agreement and kappa.';
COMMENT ON COLUMN mart.audit_agreement.f1 IS 'F1 of the mentions, 0 to 1: whether both find the aspect in the same texts; null for the whole, which is always judged.';
COMMENT ON COLUMN mart.audit_agreement.signed IS 'In how many both find the aspect and the person''s label is not 0: the n of sign_agreement.';
COMMENT ON COLUMN mart.audit_agreement.sign_agreement IS 'Share of these with the same sign, 0 to 1.';
COMMENT ON COLUMN mart.audit_agreement.exact_agreement IS 'Share with the very same score, 0 to 1.';
COMMENT ON COLUMN mart.audit_agreement.kappa IS 'Cohen''s kappa, weighted by the square of the distance: 1 is full agreement, 0 that of chance; null if both always gave the same one score.';
COMMENT ON COLUMN mart.audit_agreement.is_enough IS 'Whether both gave 30 scores at least (compared); below, the figures say little. All aspects together have several scores a text.';
