-- When an analyser has finished, when a movie may change its analyser (docs/adr/0023), and when an
-- unreadable answer is asked for again (docs/adr/0021). Each rule stands here once.
CREATE FUNCTION core.is_final(status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(status NOT IN ('failed', 'over_budget'), false);
COMMENT ON FUNCTION core.is_final IS 'Whether an analyser is done with a text; null: not yet read.';

CREATE FUNCTION core.has_finished(finished bigint, reviews bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN finished >= 0.95 * reviews;
COMMENT ON FUNCTION core.has_finished IS 'Whether an analyser has finished a movie: 95 % of its current reviews.';

CREATE FUNCTION core.keeps_scores(rescored bigint, scored bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN rescored >= 0.80 * scored;
COMMENT ON FUNCTION core.keeps_scores IS 'Whether an analyser scored 80 % of the reviews that another one scored.';

CREATE FUNCTION ops.is_stale_answer(status text, finished_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(status = 'invalid' AND finished_at <= statement_timestamp() - interval '1 day', false);
COMMENT ON FUNCTION ops.is_stale_answer IS 'Whether a model may be asked again: it gave an unreadable answer, a day ago at least.';

CREATE FUNCTION ops.is_due_again(status text, content_hash text, analyser_id integer) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(status = 'invalid' AND NOT EXISTS (
        SELECT FROM core.analysers a
        JOIN ops.llm_results r USING (model, prompt_version)
        WHERE a.analyser_id = is_due_again.analyser_id AND r.content_hash = is_due_again.content_hash
          AND r.status = 'invalid' AND NOT ops.is_stale_answer(r.status, r.finished_at)), false);
COMMENT ON FUNCTION ops.is_due_again IS 'Whether a review whose answer was unreadable is to be asked about again.';

ALTER TABLE core.movies ADD COLUMN configured_analyser_id integer REFERENCES core.analysers;
COMMENT ON COLUMN core.movies.configured_analyser_id IS 'Whom the settings named when the movie was last scored; null before the first time.';

CREATE VIEW mart.awaited_analysers AS
SELECT m.imdb_id, n.movie, c.reviews, c.finished_reviews, c.scored_reviews, c.rescored_reviews,
       core.has_finished(c.finished_reviews, c.reviews) AS has_finished,
       coalesce('The model ' || a.model, 'The keyless lexicon')
       || CASE WHEN NOT core.has_finished(c.finished_reviews, c.reviews)
               THEN ' has read ' || c.finished_reviews || ' of ' || c.reviews
                    || ' reviews. It is shown when it has read 95 %.'
               WHEN NOT core.keeps_scores(c.rescored_reviews, c.scored_reviews)
               THEN ' has a score for only ' || c.rescored_reviews || ' of the ' || c.scored_reviews
                    || ' reviews that are scored here. It is shown from 80 % on.'
               ELSE ' has read enough. It is shown after the next run of analyse_backlog.' END AS sentence
FROM core.movies m
JOIN mart.movie_names n USING (imdb_id)
JOIN core.analysers a ON a.analyser_id = m.configured_analyser_id
LEFT JOIN core.analysers shown ON shown.analyser_id = m.active_analyser_id
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews,
           count(*) FILTER (WHERE core.is_final(s.status)) AS finished_reviews,
           count(o.overall) AS scored_reviews,
           count(o.overall) FILTER (WHERE s.overall IS NOT NULL) AS rescored_reviews
    FROM core.reviews r
    LEFT JOIN core.review_analyses s
           ON (s.source, s.review_id, s.content_hash, s.analyser_id)
            = (r.source, r.review_id, r.content_hash, m.configured_analyser_id)
    LEFT JOIN core.review_analyses o
           ON (o.source, o.review_id, o.content_hash, o.analyser_id)
            = (r.source, r.review_id, r.content_hash, m.active_analyser_id)
    WHERE r.imdb_id = m.imdb_id AND r.removed_at IS NULL
) c
WHERE m.configured_analyser_id IS DISTINCT FROM m.active_analyser_id
  -- A model that has read the movie is not replaced by the lexicon.
  AND NOT (a.kind = 'lexicon' AND shown.kind IS DISTINCT FROM 'lexicon');
COMMENT ON VIEW mart.awaited_analysers IS 'Movies that still show the scores of another analyser than the configured one, and why.';
COMMENT ON COLUMN mart.awaited_analysers.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.awaited_analysers.movie IS 'Title and year.';
COMMENT ON COLUMN mart.awaited_analysers.reviews IS 'Current reviews of the movie.';
COMMENT ON COLUMN mart.awaited_analysers.finished_reviews IS 'Of these, how many the configured analyser is done with.';
COMMENT ON COLUMN mart.awaited_analysers.scored_reviews IS 'Reviews with a score of the analyser that is shown.';
COMMENT ON COLUMN mart.awaited_analysers.rescored_reviews IS 'Of these, how many the configured analyser scored too.';
COMMENT ON COLUMN mart.awaited_analysers.has_finished IS 'Whether the configured analyser is done with 95 % of the reviews.';
COMMENT ON COLUMN mart.awaited_analysers.sentence IS 'Why the other analyser''s scores are still shown, for a person.';
