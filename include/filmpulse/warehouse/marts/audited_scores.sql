-- Whatever two judges said of the same text. Labels belong to a text, so they are held against every
-- analyser that is done with the text, whichever analyser's scores the person saw. One that refused the
-- text says nothing of it, as in `filmpulse evaluate`.
CREATE VIEW mart.audited_scores AS
WITH places AS (
    SELECT 0 AS position, NULL AS aspect
    UNION ALL
    SELECT position::integer, name FROM unnest(mart.aspects()) WITH ORDINALITY AS a (name, position)
), labels AS (
    SELECT a.auditor, a.source, a.review_id, a.content_hash, p.position,
           CASE WHEN p.position = 0 THEN a.overall ELSE l.score END AS score
    FROM core.audits a
    CROSS JOIN places p
    LEFT JOIN core.audit_labels l
           ON (l.auditor, l.source, l.review_id, l.content_hash, l.aspect)
            = (a.auditor, a.source, a.review_id, a.content_hash, p.aspect)
)
SELECT l.source, l.review_id, l.content_hash, l.auditor, a.analyser_id, NULL AS other_auditor,
       l.position, l.score AS label,
       CASE WHEN l.position = 0 THEN a.overall ELSE s.score END AS judged
FROM labels l
JOIN core.review_analyses a USING (source, review_id, content_hash)
LEFT JOIN core.aspect_scores s
       ON (s.source, s.review_id, s.content_hash, s.analyser_id, s.aspect)
        = (a.source, a.review_id, a.content_hash, a.analyser_id, (mart.aspects())[l.position])
WHERE mart.is_final(a.status)
UNION ALL
SELECT l.source, l.review_id, l.content_hash, l.auditor, NULL, o.auditor, l.position, l.score, o.score
FROM labels l
JOIN labels o USING (source, review_id, content_hash, position)
WHERE l.auditor < o.auditor;
COMMENT ON VIEW mart.audited_scores IS 'One row per audited text, auditor, other judge (an analyser that is done with the text, or a second auditor), and side of the review: what either said of it.';
COMMENT ON COLUMN mart.audited_scores.content_hash IS 'Which text of the review.';
COMMENT ON COLUMN mart.audited_scores.auditor IS 'Whose label counts as right; of two people the one whose name sorts first.';
COMMENT ON COLUMN mart.audited_scores.analyser_id IS 'The analyser that is judged; null if a second person is.';
COMMENT ON COLUMN mart.audited_scores.other_auditor IS 'The second person; null if an analyser is judged.';
COMMENT ON COLUMN mart.audited_scores.position IS '0 for the whole review; 1 to 5 for its aspects, in their order.';
COMMENT ON COLUMN mart.audited_scores.label IS 'What the auditor said, -2 to 2; null if the review does not judge the aspect.';
COMMENT ON COLUMN mart.audited_scores.judged IS 'What the other judge said, likewise.';
