-- What analysers said of reviews, and which of them a movie shows.

-- name: register_analyser
WITH made AS (
    INSERT INTO core.analysers (kind, model, prompt_version, parameters)
    VALUES (%(kind)s, %(model)s, %(prompt_version)s, %(parameters)s)
    ON CONFLICT DO NOTHING RETURNING analyser_id
)
SELECT analyser_id FROM made
UNION ALL
SELECT analyser_id FROM core.analysers
WHERE (kind, prompt_version, parameters) = (%(kind)s, %(prompt_version)s, %(parameters)s::jsonb)
  AND model IS NOT DISTINCT FROM %(model)s
LIMIT 1

-- name: note_configured
UPDATE core.movies SET configured_analyser_id = %(analyser_id)s
WHERE (%(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s))
  AND configured_analyser_id IS DISTINCT FROM %(analyser_id)s

-- name: lock_scoring
-- Let one worker at a time score a movie's texts; another lock than that of loading. After waiting for
-- `patience`, this statement alone gives up (55P03).
SELECT pg_advisory_lock(mart.scoring_key(%(imdb_id)s))
FROM set_config('lock_timeout', %(patience)s, true)

-- name: unfinished_movies
-- Movies (these, or all) with current reviews that the analyser has not finished with: how many it
-- never took up, how many wait for money, how many failed, how many are asked about again after an
-- unreadable answer, and how long their texts are.
SELECT r.imdb_id, coalesce(m.original_title, m.title) AS title,
       count(*) FILTER (WHERE a.status IS NULL) AS untouched,
       count(*) FILTER (WHERE a.status = 'over_budget') AS over_budget,
       count(*) FILTER (WHERE a.status = 'failed') AS failed,
       count(*) FILTER (WHERE a.status = 'invalid') AS invalid,
       sum(char_length(r.title) + char_length(r.body)) AS characters
FROM mart.current_reviews r
JOIN core.movies m USING (imdb_id)
LEFT JOIN core.review_analyses a
       ON (a.source, a.review_id, a.content_hash, a.analyser_id)
        = (r.source, r.review_id, r.content_hash, %(analyser_id)s)
WHERE (%(imdb_ids)s::text[] IS NULL OR r.imdb_id = ANY(%(imdb_ids)s))
  AND r.body IS NOT NULL
  AND (NOT mart.is_final(a.status) OR mart.is_due_again(a.status, a.content_hash, a.analyser_id))
GROUP BY r.imdb_id, m.original_title, m.title
ORDER BY r.imdb_id

-- name: keyless_movies
-- Movies (these, or all) that the keyless analyser should score: no analyser is shown; or a keyless one
-- is shown and this one lacks reviews; or (unless `but_models`) a model is shown that has not finished,
-- or has no score for more than a fifth of the reviews, which the lexicon may have.
SELECT m.imdb_id
FROM core.movies m
LEFT JOIN core.analysers s ON s.analyser_id = m.active_analyser_id
WHERE (%(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s))
  AND CASE WHEN s.kind IS NULL THEN true
           WHEN s.kind = 'lexicon' THEN EXISTS (
               SELECT FROM mart.current_reviews r
               WHERE r.imdb_id = m.imdb_id AND r.body IS NOT NULL
                 AND NOT EXISTS (
                     SELECT FROM core.review_analyses a
                     WHERE (a.source, a.review_id, a.content_hash, a.analyser_id)
                         = (r.source, r.review_id, r.content_hash, %(analyser_id)s)
                       AND mart.is_final(a.status)))
           ELSE NOT %(but_models)s AND (
               SELECT NOT p.has_finished OR NOT mart.keeps_scores(p.scored_reviews, p.reviews)
               FROM mart.analyser_progress p
               WHERE (p.imdb_id, p.analyser_id) = (m.imdb_id, m.active_analyser_id)) END
ORDER BY m.imdb_id

-- name: unscored_texts
-- Current texts of these movies that the analyser has not finished with, newest reviews first, with the
-- people who act in the movie as far as its page, the catalogue or the analyser knows them.
WITH facts AS MATERIALIZED (
    SELECT imdb_id, cast_names FROM mart.movie_facts WHERE imdb_id = ANY(%(imdb_ids)s)
)
SELECT r.source, r.review_id, r.imdb_id, r.content_hash, r.language, r.title, r.body,
       m.cast_names || coalesce(c.names, '{}') AS cast_names, count(*) OVER () AS total
FROM mart.current_reviews r
JOIN facts m USING (imdb_id)
LEFT JOIN core.calibrations c ON (c.imdb_id, c.analyser_id) = (r.imdb_id, %(analyser_id)s)
WHERE r.imdb_id = ANY(%(imdb_ids)s) AND r.body IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM core.review_analyses a
      WHERE (a.source, a.review_id, a.content_hash, a.analyser_id)
          = (r.source, r.review_id, r.content_hash, %(analyser_id)s)
        AND mart.is_final(a.status)
        AND NOT mart.is_due_again(a.status, a.content_hash, a.analyser_id))
ORDER BY r.submitted_on DESC NULLS LAST, r.source, r.review_id

-- name: store_analyses
-- Store an analysis with its aspects; the first final one of a text stays. If the movie has cuts, they
-- make the overall score of a valence. If no review has the words any more, their quotes are not kept.
WITH calibration AS (
    SELECT cuts FROM core.calibrations
    WHERE (imdb_id, analyser_id) = (%(imdb_id)s, %(analyser_id)s::integer)
    FOR SHARE  -- whoever has new cuts waits for this, or this for the new cuts
), stored AS (
    INSERT INTO core.review_analyses AS a (source, review_id, content_hash, analyser_id, imdb_id,
        status, valence, overall, overall_quote, overall_quote_start, input_tokens, output_tokens,
        cost_usd)
    SELECT %(source)s, %(review_id)s, %(content_hash)s, %(analyser_id)s::integer, %(imdb_id)s,
        %(status)s, %(valence)s::double precision,
        coalesce(width_bucket(%(valence)s::double precision, (SELECT cuts FROM calibration)) - 2,
                 %(overall)s::smallint),
        CASE WHEN core.has_words(%(content_hash)s) THEN %(overall_quote)s END,
        CASE WHEN core.has_words(%(content_hash)s) THEN %(overall_quote_start)s::integer END,
        %(input_tokens)s::integer, %(output_tokens)s::integer, %(cost_usd)s::numeric
    -- A review may be erased while it is scored; the others are stored all the same.
    FROM core.reviews r WHERE (r.source, r.review_id) = (%(source)s, %(review_id)s) FOR KEY SHARE
    ON CONFLICT (source, review_id, content_hash, analyser_id) DO UPDATE SET
        status = excluded.status, valence = excluded.valence, overall = excluded.overall,
        overall_quote = excluded.overall_quote, overall_quote_start = excluded.overall_quote_start,
        -- The price includes what failed attempts cost.
        input_tokens = coalesce(a.input_tokens + excluded.input_tokens, excluded.input_tokens,
                                a.input_tokens),
        output_tokens = coalesce(a.output_tokens + excluded.output_tokens, excluded.output_tokens,
                                 a.output_tokens),
        cost_usd = coalesce(a.cost_usd + excluded.cost_usd, excluded.cost_usd, a.cost_usd)
    -- An unreadable answer stays until another one replaces it.
    WHERE (NOT mart.is_final(a.status) OR (a.status = 'invalid' AND mart.is_final(excluded.status)))
      AND (a.status <> excluded.status OR excluded.cost_usd IS NOT NULL)
    RETURNING source, review_id, content_hash, analyser_id, imdb_id
)
INSERT INTO core.aspect_scores (source, review_id, content_hash, analyser_id, imdb_id, aspect, score,
    quote, quote_start)
SELECT s.source, s.review_id, s.content_hash, s.analyser_id, s.imdb_id, x.aspect, x.score,
       CASE WHEN core.has_words(s.content_hash) THEN x.quote END,
       CASE WHEN core.has_words(s.content_hash) THEN x.quote_start END
FROM stored s
CROSS JOIN jsonb_to_recordset(%(aspects)s::jsonb)
    AS x (aspect text, score smallint, quote text, quote_start integer)

-- name: switch_analyser
-- Show movies under another analyser where that is due (docs/adr/0023): under this one if it may take
-- over; or under the one with the most scores if the analyser shown has too few of that one's scores.
WITH standing AS (
    SELECT m.imdb_id, m.active_analyser_id AS shown_id, a.analyser_id,
           a.kind = 'lexicon' AS is_keyless, p.has_finished AS is_finished,
           p.scored_reviews AS scored, p.rescored_reviews AS scored_by_both,
           -- Otherwise the first cuts would change wholes that are shown. Only what is due can be cut.
           a.kind <> 'lexicon'
           OR EXISTS (SELECT FROM core.calibrations c
                      WHERE (c.imdb_id, c.analyser_id) = (m.imdb_id, a.analyser_id)
                        AND c.cuts IS NOT NULL)
           OR NOT EXISTS (SELECT FROM core.review_analyses s
                          WHERE (s.imdb_id, s.analyser_id) = (m.imdb_id, a.analyser_id)
                            AND s.valence IS NOT NULL)
           OR NOT EXISTS (SELECT FROM mart.current_reviews r
                          WHERE r.imdb_id = m.imdb_id AND r.body IS NOT NULL) AS is_cut
    FROM core.movies m
    JOIN mart.analyser_progress p USING (imdb_id)
    JOIN core.analysers a USING (analyser_id)
    WHERE (%(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s))
      AND (a.analyser_id IN (m.active_analyser_id, %(analyser_id)s::integer)
           OR EXISTS (SELECT FROM core.review_analyses s
                      WHERE (s.imdb_id, s.analyser_id) = (m.imdb_id, a.analyser_id)))
), judged AS (
    SELECT next.*,
           next.analyser_id = %(analyser_id)s::integer
           AND mart.keeps_scores(next.scored_by_both, coalesce(shown.scored, 0))
           AND CASE WHEN NOT next.is_keyless THEN next.is_finished
                    WHEN next.shown_id IS NULL THEN true
                    ELSE next.is_finished AND next.is_cut
                         AND (shown.is_keyless AND shown.analyser_id < next.analyser_id
                              OR NOT shown.is_finished) END
               AS takes_over,
           next.is_finished AND next.is_cut AND next.scored > shown.scored
           AND NOT mart.keeps_scores(next.scored_by_both, next.scored) AS gets_back
    FROM standing next
    LEFT JOIN standing shown ON (shown.imdb_id, shown.analyser_id) = (next.imdb_id, next.shown_id)
    WHERE next.analyser_id IS DISTINCT FROM next.shown_id
), due AS (
    SELECT DISTINCT ON (imdb_id) imdb_id, shown_id, analyser_id FROM judged
    WHERE takes_over OR gets_back
    ORDER BY imdb_id, takes_over DESC, scored DESC, is_keyless, analyser_id DESC
)
UPDATE core.movies m SET active_analyser_id = due.analyser_id
FROM due
WHERE m.imdb_id = due.imdb_id AND m.active_analyser_id IS NOT DISTINCT FROM due.shown_id

-- name: superseded_movies
-- Movies (these, or all) of which `drop_superseded` deletes something.
SELECT m.imdb_id
FROM core.movies m
WHERE (%(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s))
  AND EXISTS (
      SELECT FROM core.analysers a
      WHERE a.kind = 'lexicon' AND a.analyser_id <> ALL(ARRAY[%(analyser_id)s, m.active_analyser_id])
        AND (EXISTS (SELECT FROM core.review_analyses o
                     JOIN core.review_analyses n USING (source, review_id, content_hash)
                     WHERE (o.imdb_id, o.analyser_id) = (m.imdb_id, a.analyser_id)
                       AND n.analyser_id = %(analyser_id)s AND mart.is_final(n.status))
             OR EXISTS (SELECT FROM core.calibrations o
                        JOIN core.calibrations n USING (imdb_id)
                        WHERE (o.imdb_id, o.analyser_id) = (m.imdb_id, a.analyser_id)
                          AND n.analyser_id = %(analyser_id)s AND n.cuts IS NOT NULL)))
ORDER BY m.imdb_id

-- name: drop_superseded
-- Delete what other lexicons made of a movie that is not shown under them, where this one has made it
-- too. So scores of removed reviews and of earlier words stay: this lexicon never reads these.
WITH superseded AS (
    SELECT m.imdb_id, a.analyser_id
    FROM core.movies m
    JOIN core.analysers a
      ON a.kind = 'lexicon' AND a.analyser_id <> ALL(ARRAY[%(analyser_id)s, m.active_analyser_id])
    WHERE m.imdb_id = %(imdb_id)s
    FOR SHARE OF m  -- so that nobody shows it under them meanwhile
), calibrations AS (
    DELETE FROM core.calibrations c USING superseded o, core.calibrations n
    WHERE (c.imdb_id, c.analyser_id) = (o.imdb_id, o.analyser_id)
      AND (n.imdb_id, n.analyser_id) = (o.imdb_id, %(analyser_id)s) AND n.cuts IS NOT NULL
)
DELETE FROM core.review_analyses s USING superseded o, core.review_analyses n
WHERE (s.imdb_id, s.analyser_id) = (o.imdb_id, o.analyser_id)
  AND (n.source, n.review_id, n.content_hash, n.analyser_id)
    = (s.source, s.review_id, s.content_hash, %(analyser_id)s) AND mart.is_final(n.status)

-- name: awaited_analysers
-- Which of these movies the configured analyser has read, with too few scores to be shown.
SELECT imdb_id, movie, sentence FROM mart.awaited_analysers
WHERE imdb_id = ANY(%(imdb_ids)s) AND has_finished
ORDER BY imdb_id

-- name: mean_characters
-- The mean length of what an analyser reads of a review, title and body with a blank line between: of
-- 1,000 of the movie's, else of any. Null without reviews.
SELECT coalesce(
    (SELECT avg(characters) FROM (
         SELECT length(title) + 2 + length(body) AS characters FROM mart.current_reviews
         WHERE imdb_id = %(imdb_id)s LIMIT 1000) own),
    (SELECT avg(characters) FROM (
         SELECT length(title) + 2 + length(body) AS characters FROM mart.current_reviews
         LIMIT 1000) of_all)
)::double precision

-- name: due_calibrations
-- Movies (these, or all) whose names and cuts an analyser should learn (anew): it never did, a week has
-- passed, or the movie has twice as many texts as then. `is_scored` says whether any of the movie's
-- texts has a valence of the analyser; `calibrated_at` is that of the last time; `unshown_texts` counts
-- the scores that only these first cuts may bring on show.
SELECT m.imdb_id, coalesce(m.original_title, m.title) AS title, t.texts, c.calibrated_at,
       EXISTS (SELECT FROM core.review_analyses a
               WHERE (a.imdb_id, a.analyser_id) = (m.imdb_id, %(analyser_id)s)
                 AND a.valence IS NOT NULL) AS is_scored,
       CASE WHEN c.calibrated_at IS NULL AND m.active_analyser_id IS DISTINCT FROM %(analyser_id)s
            THEN (SELECT count(a.overall) FROM core.review_analyses a
                  WHERE (a.imdb_id, a.analyser_id) = (m.imdb_id, %(analyser_id)s))
            ELSE 0 END AS unshown_texts
FROM core.movies m
CROSS JOIN LATERAL (
    SELECT count(*) AS texts FROM mart.current_reviews r
    WHERE r.imdb_id = m.imdb_id AND r.body IS NOT NULL
) t
LEFT JOIN core.calibrations c ON (c.imdb_id, c.analyser_id) = (m.imdb_id, %(analyser_id)s)
WHERE (%(imdb_ids)s::text[] IS NULL OR m.imdb_id = ANY(%(imdb_ids)s)) AND t.texts > 0
  AND (c.calibrated_at IS NULL OR c.calibrated_at < now() - interval '7 days'
       OR t.texts >= 2 * c.texts)
ORDER BY m.imdb_id

-- name: current_texts
-- What an analyser reads of each current review of a movie.
SELECT title, body FROM mart.current_reviews
WHERE imdb_id = %(imdb_id)s AND body IS NOT NULL
ORDER BY source, review_id

-- name: store_names
INSERT INTO core.calibrations (imdb_id, analyser_id, names)
SELECT imdb_id, %(analyser_id)s, %(names)s FROM core.movies WHERE imdb_id = %(imdb_id)s FOR KEY SHARE
ON CONFLICT (imdb_id, analyser_id) DO UPDATE SET names = excluded.names

-- name: hold_calibration
-- Let one worker at a time cut a movie anew; no row if another one has done so since `calibrated_at`.
SELECT imdb_id FROM core.calibrations
WHERE (imdb_id, analyser_id) = (%(imdb_id)s, %(analyser_id)s)
  AND calibrated_at IS NOT DISTINCT FROM %(calibrated_at)s
FOR UPDATE

-- name: rated_valences
-- How many current reviews of a movie (or of all) have each valence, rounded down, and grade.
SELECT floor(a.valence * %(resolution)s) / %(resolution)s AS valence, r.rating_1_10 AS grade,
       count(*) AS reviews
FROM core.review_analyses a
JOIN mart.current_reviews r USING (source, review_id, content_hash)
WHERE a.analyser_id = %(analyser_id)s AND a.valence IS NOT NULL AND r.rating_1_10 IS NOT NULL
  AND (%(imdb_id)s::text IS NULL OR a.imdb_id = %(imdb_id)s)
GROUP BY 1, 2

-- name: cut_anew
-- Cut the valences of a movie by these cuts; in the transaction that holds its calibration.
UPDATE core.review_analyses
SET overall = width_bucket(valence, %(cuts)s::double precision[]) - 2
WHERE (imdb_id, analyser_id) = (%(imdb_id)s, %(analyser_id)s) AND valence IS NOT NULL
  AND overall <> width_bucket(valence, %(cuts)s::double precision[]) - 2

-- name: store_cuts
-- Nothing counts as changed while the movie shows another analyser, or none.
UPDATE core.calibrations c
SET cuts = %(cuts)s, cuts_from = %(learned_from)s, rated_reviews = %(rated_reviews)s,
    texts = %(texts)s, run_id = %(run_id)s, calibrated_at = now(),
    changed_texts = CASE WHEN m.active_analyser_id = c.analyser_id THEN %(changed_texts)s::integer
                         ELSE 0 END
FROM core.movies m
WHERE (c.imdb_id, c.analyser_id) = (%(imdb_id)s, %(analyser_id)s) AND m.imdb_id = c.imdb_id
RETURNING changed_texts

-- name: count_first_shown
-- Count as changed the scores that an earlier run left, if the movie shows them now.
UPDATE core.calibrations c SET changed_texts = %(texts)s
FROM core.movies m
WHERE (c.imdb_id, c.analyser_id) = (%(imdb_id)s, %(analyser_id)s) AND c.calibrated_at IS NOT NULL
  AND (m.imdb_id, m.active_analyser_id) = (c.imdb_id, c.analyser_id)

-- name: cut_movies
-- The movies whose texts got other overall scores from cuts that a run learned.
SELECT c.imdb_id, coalesce(m.original_title, m.title) AS title, c.changed_texts, c.cuts_from,
       c.rated_reviews
FROM core.calibrations c
JOIN core.movies m USING (imdb_id)
WHERE c.run_id = %(run_id)s AND c.changed_texts > 0
ORDER BY c.imdb_id
