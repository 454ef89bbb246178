-- What a model's scores add to the marts: the quote that decides a review, what waits, and what it cost.

CREATE OR REPLACE VIEW mart.reviews AS
SELECT r.source, r.review_id, r.imdb_id, r.title, r.body, r.rating_1_10, r.submitted_on,
       r.is_spoiler, r.helpful_up, r.helpful_down, r.language, r.first_seen_at,
       r.content_hash,
       a.status AS analysis_status, a.overall, m.active_analyser_id AS analyser_id,
       a.overall_quote
FROM core.reviews r
JOIN core.movies m USING (imdb_id)
LEFT JOIN core.review_analyses a
       ON (a.source, a.review_id, a.content_hash, a.analyser_id)
        = (r.source, r.review_id, r.content_hash, m.active_analyser_id)
WHERE r.removed_at IS NULL;
COMMENT ON COLUMN mart.reviews.overall_quote IS 'An exact piece of the text that decides the whole; null when there is none. Of a spoiler, do not show it unasked.';

-- Failed ones, and those that wait for money, are taken up again: the analyser has not finished with them.
CREATE OR REPLACE VIEW mart.movies AS
WITH living AS (
    SELECT imdb_id,
           count(*) AS reviews,
           count(*) FILTER (WHERE source <> 'imdb') AS other_reviews,
           count(*) FILTER (WHERE rating_1_10 IS NULL) AS unrated_reviews,
           avg(rating_1_10)::double precision AS mean_stars,
           count(*) FILTER (WHERE analysis_status NOT IN ('failed', 'over_budget'))
               AS analysed_reviews,
           count(overall) AS scored_reviews,
           avg(overall)::double precision AS mean_overall,
           mart.half_interval(stddev_samp(overall)::double precision, count(overall))
               AS half_interval,
           mart.interval_end(avg(overall), -1, stddev_samp(overall), count(overall)) AS overall_low,
           mart.interval_end(avg(overall), +1, stddev_samp(overall), count(overall)) AS overall_high,
           min(submitted_on) AS first_review_on,
           max(submitted_on) AS last_review_on
    FROM mart.reviews
    GROUP BY imdb_id
), counted AS (
    SELECT m.imdb_id, coalesce(m.original_title, m.title) AS title, m.year, m.release_date,
           m.runtime_minutes, m.genres, m.directors, m.cast_names, m.plot, m.poster_url,
           s.rating AS site_rating, s.vote_count AS site_votes,
           s.review_count AS site_reviews, s.taken_at AS site_as_of,
           coalesce(l.reviews, 0) AS reviews, coalesce(l.unrated_reviews, 0) AS unrated_reviews,
           l.mean_stars, coalesce(l.analysed_reviews, 0) AS analysed_reviews,
           coalesce(l.scored_reviews, 0) AS scored_reviews, l.mean_overall,
           l.half_interval, l.overall_low, l.overall_high,
           l.first_review_on, l.last_review_on,
           CASE WHEN s.review_count IS NOT NULL OR l.reviews = l.other_reviews
                THEN coalesce(s.review_count, 0) + coalesce(l.other_reviews, 0) END
               AS known_reviews,
           a.analyser_id, a.kind AS analyser_kind, a.model AS analyser_model,
           a.prompt_version AS analyser_version
    FROM core.movies m
    LEFT JOIN living l USING (imdb_id)
    LEFT JOIN core.analysers a ON a.analyser_id = m.active_analyser_id
    LEFT JOIN LATERAL (
        SELECT * FROM core.movie_snapshots s
        WHERE s.imdb_id = m.imdb_id AND s.review_count IS NOT NULL
        ORDER BY s.taken_at DESC LIMIT 1
    ) s ON true
)
SELECT c.imdb_id, c.title, c.year, c.release_date, c.runtime_minutes, c.genres, c.directors,
       c.cast_names, c.plot, c.poster_url, c.site_rating, c.site_votes, c.site_reviews,
       c.site_as_of, c.reviews, c.unrated_reviews, c.mean_stars, c.analysed_reviews,
       c.scored_reviews, c.mean_overall, c.half_interval, c.overall_low, c.overall_high,
       c.first_review_on, c.last_review_on, k.coverage,
       c.analyser_id, c.analyser_kind, c.analyser_model, c.analyser_version,
       mart.is_enough(c.scored_reviews, k.coverage) AS is_enough,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at,
       i.imported_at,
       c.known_reviews,
       c.reviews - c.analysed_reviews AS waiting_reviews
FROM counted c
CROSS JOIN LATERAL (
    SELECT round(c.reviews::numeric / nullif(c.known_reviews, 0), 4) AS coverage
) k
LEFT JOIN LATERAL (
    SELECT * FROM ops.collections o
    WHERE o.imdb_id = c.imdb_id AND o.finished_at IS NOT NULL AND o.mode <> 'import'
    ORDER BY o.finished_at DESC LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT max(i.loaded_at) AS imported_at FROM ops.collections i
    WHERE i.imdb_id = c.imdb_id AND i.mode = 'import'
) i ON true;
COMMENT ON COLUMN mart.movies.waiting_reviews IS 'Reviews that the active analyser has not finished with: new, failed, or over the budget.';

CREATE VIEW mart.llm_days AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day, model, prompt_version,
       -- A refusal without a key was met before any review was sent.
       count(*) FILTER (WHERE key IS NOT NULL OR outcome IS NULL OR outcome NOT IN
           ('key_refused', 'model_refused', 'quota_exhausted')) AS calls,
       count(*) FILTER (WHERE outcome = 'scored') AS scored,
       count(*) FILTER (WHERE outcome = 'refused') AS refused,
       count(*) FILTER (WHERE outcome = 'content_filter') AS content_filter,
       count(*) FILTER (WHERE outcome = 'truncated') AS truncated,
       count(*) FILTER (WHERE outcome = 'invalid') AS invalid,
       count(*) FILTER (WHERE outcome = 'rate_limited') AS rate_limited,
       count(*) FILTER (WHERE outcome = 'unavailable') AS unavailable,
       count(*) FILTER (WHERE outcome = 'timeout') AS timeout,
       count(*) FILTER (WHERE outcome = 'disconnected') AS disconnected,
       count(*) FILTER (WHERE outcome = 'malformed') AS malformed,
       count(*) FILTER (WHERE outcome = 'rejected') AS rejected,
       count(*) FILTER (WHERE outcome = 'key_refused') AS key_refused,
       count(*) FILTER (WHERE outcome = 'model_refused') AS model_refused,
       count(*) FILTER (WHERE outcome = 'quota_exhausted') AS quota_exhausted,
       count(*) FILTER (WHERE outcome IS NULL) AS unfinished,
       coalesce(sum(input_tokens), 0) AS input_tokens,
       coalesce(sum(cached_tokens), 0) AS cached_tokens,
       coalesce(sum(output_tokens), 0) AS output_tokens,
       coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens,
       coalesce(sum(cost_usd), 0) AS cost_usd,
       coalesce(sum(reserved_usd) FILTER (WHERE cost_usd IS NULL), 0) AS unsettled_usd,
       sum(quotes_given) AS quotes_given,
       sum(quotes_dropped) AS quotes_dropped
FROM ops.llm_calls
GROUP BY 1, 2, 3;
COMMENT ON VIEW mart.llm_days IS 'What models were asked each day, how it ended and what it cost; what was erased since is still counted.';
COMMENT ON COLUMN mart.llm_days.day IS 'The day on which the requests were sent (UTC).';
COMMENT ON COLUMN mart.llm_days.model IS 'The model asked.';
COMMENT ON COLUMN mart.llm_days.prompt_version IS 'Version of the prompt.';
COMMENT ON COLUMN mart.llm_days.calls IS 'Requests that were sent.';
COMMENT ON COLUMN mart.llm_days.scored IS 'Of these, answered with scores.';
COMMENT ON COLUMN mart.llm_days.refused IS 'The model would not answer.';
COMMENT ON COLUMN mart.llm_days.content_filter IS 'The provider''s filter stopped the answer.';
COMMENT ON COLUMN mart.llm_days.truncated IS 'The answer was longer than it may be.';
COMMENT ON COLUMN mart.llm_days.invalid IS 'The answer did not have the shape asked for.';
COMMENT ON COLUMN mart.llm_days.rate_limited IS 'Too many requests at once; sent again.';
COMMENT ON COLUMN mart.llm_days.unavailable IS 'The provider was down or overloaded; sent again.';
COMMENT ON COLUMN mart.llm_days.timeout IS 'No answer in time; sent again.';
COMMENT ON COLUMN mart.llm_days.disconnected IS 'The connection was lost; sent again.';
COMMENT ON COLUMN mart.llm_days.malformed IS 'The answer was no JSON; sent again.';
COMMENT ON COLUMN mart.llm_days.rejected IS 'The provider took the request for wrong.';
COMMENT ON COLUMN mart.llm_days.key_refused IS 'The key was refused, which stopped the run.';
COMMENT ON COLUMN mart.llm_days.model_refused IS 'The model was refused, which stopped the run.';
COMMENT ON COLUMN mart.llm_days.quota_exhausted IS 'The account had no money left, which stopped the run.';
COMMENT ON COLUMN mart.llm_days.unfinished IS 'Still running, or lost in a crash.';
COMMENT ON COLUMN mart.llm_days.input_tokens IS 'Tokens read, cached ones among them.';
COMMENT ON COLUMN mart.llm_days.cached_tokens IS 'Of these, read from the provider''s cache.';
COMMENT ON COLUMN mart.llm_days.output_tokens IS 'Tokens written, reasoning among them.';
COMMENT ON COLUMN mart.llm_days.reasoning_tokens IS 'Of these, spent on reasoning.';
COMMENT ON COLUMN mart.llm_days.cost_usd IS 'What it cost, as far as it is known (USD).';
COMMENT ON COLUMN mart.llm_days.unsettled_usd IS 'The most that the others can have cost; budgets count it (USD).';
COMMENT ON COLUMN mart.llm_days.quotes_given IS 'Quotes in the answers.';
COMMENT ON COLUMN mart.llm_days.quotes_dropped IS 'Of these, not in the text, too short or too long.';

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
COMMENT ON COLUMN mart.analysers.kind IS 'lexicon or llm.';
COMMENT ON COLUMN mart.analysers.model IS 'The model''s name; null for the lexicon.';
COMMENT ON COLUMN mart.analysers.prompt_version IS 'Version of the prompt, or of the lexicon.';
COMMENT ON COLUMN mart.analysers.parameters IS 'Whatever else changes its answers.';
COMMENT ON COLUMN mart.analysers.movies IS 'Movies that are shown under it.';
COMMENT ON COLUMN mart.analysers.scored_texts IS 'Texts of reviews with a score of it, earlier versions among them.';
COMMENT ON COLUMN mart.analysers.cost_usd IS 'What its answers about reviews that we still hold cost (USD); mart.llm_days has all that was spent.';
