-- What people say that reviews judge, and how far analysers agree with that and with grades.

-- name: audit_sample
-- A sample of current reviews (of these movies, or all) that their movie's analyser scored. Each has the
-- same chance, so that figures from the sample hold for all: the reviews are laid out by movie and score,
-- otherwise by lot, and taken at equal distances. So no movie and no score is missed by chance. `start`,
-- 0 to 1, says where the first of them stands. The sample comes by movie, then by lot.
WITH scored AS (
    SELECT r.*, md5(%(seed)s || ' ' || r.source || ' ' || r.review_id) AS lot
    FROM core.movies m
    CROSS JOIN LATERAL (
        SELECT v.source, v.review_id, v.imdb_id, v.content_hash, v.analyser_id, v.overall
        FROM mart.reviews v
        WHERE v.imdb_id = m.imdb_id AND v.overall IS NOT NULL AND v.body IS NOT NULL
        OFFSET 0
    ) r
    WHERE %(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s)
), laid_out AS (
    SELECT s.*, count(*) OVER () AS total,
           row_number() OVER (ORDER BY imdb_id, overall, lot, source, review_id)
               * %(count)s::double precision / count(*) OVER () AS place
    FROM scored s
)
SELECT r.source, r.review_id, r.content_hash, r.analyser_id,
       mart.analyser_name(a.model) || ' ' || a.prompt_version AS analyser,
       r.movie, r.rating_1_10, r.title, r.body, r.overall, r.overall_quote,
       coalesce(x.scores, '{}') AS scores, coalesce(x.quotes, '{}') AS quotes, l.total
FROM laid_out l
JOIN mart.reviews r USING (source, review_id)
JOIN core.analysers a ON a.analyser_id = r.analyser_id
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(aspect, score) AS scores, jsonb_object_agg(aspect, quote) AS quotes
    FROM mart.review_aspects
    WHERE (source, review_id) = (r.source, r.review_id)
) x
WHERE floor(l.place + %(start)s) > floor(l.place - %(count)s::double precision / l.total + %(start)s)
ORDER BY l.imdb_id, l.lot

-- name: audit_texts
-- Which of these texts reviews have or had, with their words; null once these were dropped. The reviews
-- are held until the end of the transaction.
SELECT k.source, k.review_id, k.content_hash, w.body
FROM unnest(%(sources)s::text[], %(review_ids)s::text[], %(hashes)s::text[])
    AS k (source, review_id, content_hash)
JOIN core.reviews r USING (source, review_id)
CROSS JOIN LATERAL (
    SELECT r.body WHERE r.content_hash = k.content_hash
    UNION ALL
    SELECT v.body FROM core.review_revisions v
    WHERE (v.source, v.review_id, v.content_hash) = (k.source, k.review_id, k.content_hash)
    LIMIT 1
) w
FOR KEY SHARE OF r

-- name: audit_turn
-- Wait until nobody stores labels, and hold others up until the end of the transaction; answers when that
-- was. Whatever labels were noted until then are committed.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('audits', 0)))
SELECT clock_timestamp() FROM turn

-- name: auditors
-- Everybody who labelled, by the first of their labels.
SELECT auditor FROM core.audits GROUP BY auditor ORDER BY min(noted_at), auditor

-- name: audit_forget
-- Drop all that people labelled until a moment.
WITH gone AS (
    DELETE FROM core.audits WHERE auditor = ANY(%(auditors)s) AND noted_at <= %(until)s
    RETURNING auditor, source, review_id, content_hash
)
SELECT (SELECT count(*) FROM gone) AS reviews,
       (SELECT count(*) FROM core.audit_labels JOIN gone USING (auditor, source, review_id, content_hash))
           AS labels

-- name: audit_drop
-- Drop a person's labels of these texts.
DELETE FROM core.audits a
WHERE a.auditor = %(auditor)s
  AND (a.source, a.review_id, a.content_hash) IN (
      SELECT * FROM unnest(%(sources)s::text[], %(review_ids)s::text[], %(hashes)s::text[]))

-- name: audit_store
-- The analyser is noted if this warehouse knows it.
WITH stored AS (
    INSERT INTO core.audits
        (auditor, source, review_id, content_hash, overall, shown_analyser_id)
    VALUES (%(auditor)s, %(source)s, %(review_id)s, %(content_hash)s, %(overall)s,
            (SELECT analyser_id FROM core.analysers WHERE analyser_id = %(analyser_id)s))
    RETURNING auditor, source, review_id, content_hash
)
INSERT INTO core.audit_labels (auditor, source, review_id, content_hash, aspect, score)
SELECT s.auditor, s.source, s.review_id, s.content_hash, x.key, x.value::smallint
FROM stored s
CROSS JOIN jsonb_each_text(%(labels)s::jsonb) x

-- name: audit_figures
-- How far each analyser and each auditor (or one auditor) agree, and two auditors with each other: people
-- together first. Each pair has the five aspects, all of them together, and the whole.
SELECT analyser_id, judge, analyser_version, auditor, other_auditor, aspect, auditors, reviews,
       labelled, found, compared, f1, signed, sign_agreement, exact_agreement, kappa, is_enough
FROM mart.audit_agreement
WHERE %(auditor)s::text IS NULL OR %(auditor)s IN (auditor, other_auditor)
ORDER BY analyser_id, auditor NULLS FIRST, other_auditor, position = 0, position

-- name: grade_figures
-- How far each analyser's scores go with grades: over all movies first, then by movie.
SELECT analyser_id, imdb_id, movie, is_shown, rated_reviews, spearman, decided_reviews,
       contradicting_reviews, contradicting_share
FROM mart.grade_agreement
ORDER BY analyser_id, is_overall DESC, rated_reviews DESC, imdb_id

-- name: judged_analysers
-- Those that movies are shown under first.
SELECT analyser_id, analyser, kind, prompt_version, movies, scored_texts, audit
FROM mart.analysers
ORDER BY movies DESC, analyser_id DESC
