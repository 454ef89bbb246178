-- What pages and the API read (`warehouse/pages.py`), from the marts alone. Of these, the list of
-- movies reads what is cheap for all; the others read the rows of one movie.
-- `imdb_ids` is null for all movies.

-- name: page_cards
SELECT imdb_id, movie, title, year, genres, has_poster, site, site_rating::double precision,
       site_votes, reviews, known_reviews, coverage::double precision, scored_reviews, mean_overall,
       half_interval, is_enough, waiting_reviews, looked_at, counted_at, tags, catalogue_facts
FROM mart.movie_cards
WHERE %(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s)
ORDER BY movie

-- name: page_card_aspects
SELECT imdb_id, lower(aspect) AS aspect, coalesce(mentions, 0) AS mentions, mean_score,
       half_interval, is_enough
FROM mart.compared_aspects
WHERE position > 0 AND (%(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s))
ORDER BY imdb_id, position

-- name: page_card_weeks
SELECT imdb_id, starts_on, reviews FROM mart.recent_weeks
WHERE %(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s)
ORDER BY imdb_id, starts_on

-- name: page_states
SELECT imdb_id, state, source, reason, sentence, done, total, until, unreadable, waiting_reviews,
       run_id, since
FROM mart.movie_states
WHERE %(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s)
ORDER BY imdb_id

-- name: page_tags
SELECT imdb_id, tag FROM mart.movie_tags
WHERE %(imdb_ids)s::text[] IS NULL OR imdb_id = ANY(%(imdb_ids)s)
ORDER BY lower(tag), imdb_id

-- name: page_poster
SELECT image, media_type, width, height, fetched_at, source_url FROM mart.movie_posters
WHERE imdb_id = %(imdb_id)s

-- name: page_weeks
SELECT starts_on, days_since_release, reviews, graded_reviews, mean_stars, stars_half_interval,
       scored_reviews, mean_overall, overall_half_interval, reviews_so_far::bigint
FROM mart.movie_series
WHERE imdb_id = %(imdb_id)s AND grain = 'week'
ORDER BY starts_on

-- name: page_aspect_series
SELECT lower(aspect) AS aspect, starts_on, days_since_release, n, mean_score, half_interval, is_enough
FROM mart.aspect_series
WHERE imdb_id = %(imdb_id)s AND grain = %(grain)s
ORDER BY position, starts_on

-- name: page_grades
-- A row for each of 1 to 10 stars, and the last for reviews without stars.
SELECT g.stars, count(r.imdb_id) AS reviews
FROM (SELECT generate_series(1, 10) AS stars UNION ALL SELECT NULL) g
LEFT JOIN mart.current_reviews r
       ON r.imdb_id = %(imdb_id)s AND coalesce(r.rating_1_10, 0) = coalesce(g.stars, 0)
GROUP BY g.stars
ORDER BY g.stars

-- name: page_events
SELECT happened_on, label FROM mart.movie_events
WHERE imdb_id = %(imdb_id)s
ORDER BY happened_on, label

-- name: page_quotes
-- The best of each aspect that praise it and that fault it; those of spoilers only on request.
SELECT lower(aspect) AS aspect, is_praise, is_spoiler, score, quote, source, review_id, submitted_on,
       language, rating_1_10, helpful_up, place
FROM mart.ranked_quotes
WHERE imdb_id = %(imdb_id)s AND place <= %(most)s AND (%(spoilers)s OR NOT is_spoiler)
ORDER BY array_position(mart.aspects(), lower(aspect)), NOT is_praise, place, is_spoiler

-- name: page_changes
-- What changed since a time: reviews, and the figures of the site that has the most of them.
SELECT (SELECT count(*) FROM mart.current_reviews r
        WHERE r.imdb_id = c.imdb_id AND r.first_seen_at >= %(since)s) AS new_reviews,
       (SELECT count(DISTINCT (v.source, v.review_id)) FROM mart.review_revisions v
        WHERE v.imdb_id = c.imdb_id AND v.replaced_at >= %(since)s) AS edited_reviews,
       (SELECT count(*) FROM mart.removed_reviews d
        WHERE d.imdb_id = c.imdb_id AND d.removed_at >= %(since)s) AS removed_reviews,
       c.site, c.site_rating::double precision, c.site_votes, c.site_reviews, c.site_as_of,
       s.site_rating::double precision AS site_rating_then, s.site_votes AS site_votes_then,
       s.site_reviews AS site_reviews_then, s.taken_at AS site_then
FROM mart.movie_counts c
LEFT JOIN LATERAL (
    SELECT * FROM mart.movie_snapshots s
    WHERE (s.imdb_id, s.source) = (c.imdb_id, c.site) AND s.taken_at <= %(since)s
    ORDER BY s.taken_at DESC LIMIT 1
) s ON true
WHERE c.imdb_id = %(imdb_id)s

-- name: page_change_means
-- Scores of reviews that were first seen since a time, and of all before; of the whole and of each aspect.
WITH new AS MATERIALIZED (
    SELECT source, review_id, true AS is_new FROM mart.current_reviews
    WHERE imdb_id = %(imdb_id)s AND first_seen_at >= %(since)s
), counted AS (
    SELECT o.position, max(o.aspect) AS aspect, max(o.coverage) AS coverage,
           count(*) FILTER (WHERE is_new) AS n_new,
           count(*) FILTER (WHERE is_new IS NULL) AS n_before,
           avg(score) FILTER (WHERE is_new)::double precision AS mean_new,
           avg(score) FILTER (WHERE is_new IS NULL)::double precision AS mean_before,
           stddev_samp(score) FILTER (WHERE is_new)::double precision AS sd_new,
           var_samp(score) FILTER (WHERE is_new)::double precision AS variance_new,
           var_samp(score) FILTER (WHERE is_new IS NULL)::double precision AS variance_before
    FROM mart.opinions o
    LEFT JOIN new USING (source, review_id)
    WHERE o.imdb_id = %(imdb_id)s
    GROUP BY o.position
)
SELECT lower(aspect) AS aspect, n_new, mean_new,
       mart.half_interval(sd_new, n_new) AS new_half_interval,
       mart.is_enough(n_new, coverage) AS is_enough, n_before, mean_before,
       mean_new - mean_before AS difference,
       mart.difference_half_interval(variance_new, n_new, variance_before, n_before)
           AS difference_half_interval,
       mart.is_enough_difference(n_new, n_before, coverage) AS is_enough_difference
FROM counted
ORDER BY position

-- name: page_reviews
-- Newest first, those without a day last; from after a review on, so that none comes twice while new
-- ones arrive. The order and the condition are those of an index of core.reviews.
SELECT r.source, r.review_id, r.title, r.body, r.rating_1_10, r.submitted_on, r.is_spoiler,
       r.helpful_up, r.helpful_down, r.language, r.language_name, r.first_seen_at,
       r.analysis_status, r.overall, r.overall_quote
FROM mart.reviews r
WHERE r.imdb_id = %(imdb_id)s
  AND (coalesce(r.submitted_on, '-infinity'), r.source, r.review_id)
      < (%(after_day)s::date, %(after_source)s::text, %(after_id)s::text)
  AND (%(day_from)s::date IS NULL OR r.submitted_on >= %(day_from)s)
  AND (%(day_to)s::date IS NULL OR r.submitted_on <= %(day_to)s)
  AND (%(stars_from)s::smallint IS NULL OR r.rating_1_10 >= %(stars_from)s)
  AND (%(stars_to)s::smallint IS NULL OR r.rating_1_10 <= %(stars_to)s)
  AND (%(source)s::text IS NULL OR r.source = %(source)s)
  AND (%(language)s::text IS NULL OR coalesce(r.language, 'unknown') = %(language)s)
  AND (%(spoilers)s OR NOT r.is_spoiler)
  AND (%(aspect)s::text IS NOT NULL
       OR ((%(score_from)s::smallint IS NULL OR r.overall >= %(score_from)s)
           AND (%(score_to)s::smallint IS NULL OR r.overall <= %(score_to)s)))
  AND (%(aspect)s::text IS NULL OR (r.source, r.review_id) IN (
           SELECT a.source, a.review_id FROM mart.review_aspects a
           WHERE a.imdb_id = %(imdb_id)s AND a.aspect = %(aspect)s
             AND a.score BETWEEN coalesce(%(score_from)s, -2) AND coalesce(%(score_to)s, 2)))
  AND (%(words)s::text[] IS NULL
       OR lower(coalesce(r.title, '') || ' ' || coalesce(r.body, ''))
          LIKE ALL (ARRAY(SELECT lower(word) FROM unnest(%(words)s::text[]) word)))
ORDER BY coalesce(r.submitted_on, '-infinity') DESC, r.source DESC, r.review_id DESC
LIMIT %(most)s

-- name: page_review
SELECT r.imdb_id, r.movie, r.source, r.review_id, r.title, r.body, r.rating_1_10, r.submitted_on,
       r.is_spoiler, r.helpful_up, r.helpful_down, r.language, r.language_name, r.first_seen_at,
       r.analysis_status, r.overall, r.overall_quote
FROM mart.reviews r
WHERE (r.imdb_id, r.source, r.review_id) = (%(imdb_id)s, %(source)s, %(review_id)s)

-- name: page_review_aspects
-- What these reviews say of each aspect that they mention.
SELECT a.source, a.review_id, a.aspect, a.score, a.quote, a.quote_start
FROM unnest(%(sources)s::text[], %(review_ids)s::text[]) AS k (source, review_id)
JOIN mart.review_aspects a USING (source, review_id)
WHERE a.imdb_id = %(imdb_id)s
ORDER BY array_position(mart.aspects(), a.aspect)

-- name: page_revisions
-- What a review said before, the latest first; its words only while they are kept.
SELECT replaced_at, title, body, rating_1_10, submitted_on, is_spoiler, helpful_up, helpful_down
FROM mart.review_revisions
WHERE (imdb_id, source, review_id) = (%(imdb_id)s, %(source)s, %(review_id)s)
ORDER BY replaced_at DESC

-- name: page_languages
SELECT language, language_name, reviews FROM mart.movie_languages
WHERE imdb_id = %(imdb_id)s
ORDER BY reviews DESC, language_name

-- name: page_sources
SELECT source, kind, reviews, known_reviews, coverage::double precision,
       site_rating::double precision, site_votes, site_reviews, site_as_of, gapless_since
FROM mart.movie_sources
WHERE imdb_id = %(imdb_id)s
ORDER BY reviews DESC, source

-- name: page_collections
-- Newest first, from before a collection on; of all movies where `imdb_id` is null.
SELECT collection_id, run_id, imdb_id, movie, source, mode, status, reason, sentence, started_at,
       finished_at, site_reviews, distinct_ids, loaded_at, inserted_rows, revised_rows,
       updated_rows, removed_rows
FROM mart.collections
WHERE (%(imdb_id)s::text IS NULL OR imdb_id = %(imdb_id)s)
  AND (%(before)s::bigint IS NULL OR collection_id < %(before)s)
ORDER BY collection_id DESC
LIMIT %(most)s

-- name: page_checks
SELECT source, check_name, verdict, sentence, figure, expected_low, expected_high, n, collected_at,
       checked_at
FROM mart.quality_checks
WHERE imdb_id = %(imdb_id)s AND is_latest
ORDER BY verdict <> 'fail', check_name, source

-- name: page_visits
SELECT source, looked_at, look_outcome, look_reason, look_sentence, collection_status,
       collection_reason, collection_sentence, collected_at, run_id, host, paused_until
FROM mart.movie_visits
WHERE imdb_id = %(imdb_id)s AND (looked_at IS NOT NULL OR collected_at IS NOT NULL)
ORDER BY source

-- name: page_looks
SELECT source, cadence, meaning, looked_at, due_at, due_at <= now() AS is_due FROM mart.movie_looks
WHERE imdb_id = %(imdb_id)s
ORDER BY source

-- name: page_costs
SELECT kind, model, prompt_version, is_shown, scored_texts, input_tokens, output_tokens,
       cost_usd::double precision
FROM mart.movie_costs
WHERE imdb_id = %(imdb_id)s
ORDER BY is_shown DESC, scored_texts DESC, analyser_id

-- name: page_awaited
SELECT sentence FROM mart.awaited_analysers WHERE imdb_id = %(imdb_id)s

-- name: page_analysers
SELECT analyser_id, kind, model, prompt_version, movies, scored_texts, cost_usd::double precision
FROM mart.analysers
ORDER BY movies DESC, scored_texts DESC, analyser_id

-- name: page_llm_days
SELECT day, model, calls, scored, not_scored, input_tokens, output_tokens, cost_usd, unsettled_usd
FROM mart.llm_use
WHERE calls > 0 AND day >= %(day_from)s
ORDER BY day DESC, model

-- name: page_text_costs
-- What a text cost on average so far, whatever was asked in vain included; the model of the latest
-- day first.
SELECT model, sum(scored)::bigint AS scored,
       (sum(cost_usd) / nullif(sum(scored), 0))::double precision AS mean_usd, max(day) AS last_day
FROM mart.llm_days
GROUP BY model
ORDER BY last_day DESC, model

-- name: page_facts
SELECT fact, value, meaning FROM mart.pipeline_facts ORDER BY position

-- name: page_backups
SELECT backup_id, taken_at FROM mart.backups ORDER BY taken_at DESC

-- name: page_aspects
SELECT lower(aspect) AS aspect, mentions, share_mentioned, mean_score, half_interval, is_enough
FROM mart.aspect_figures
WHERE imdb_id = %(imdb_id)s AND position > 0
ORDER BY position

-- name: page_revised
-- Which of these reviews said something else before.
SELECT DISTINCT source, review_id FROM mart.review_revisions
WHERE imdb_id = %(imdb_id)s
  AND (source, review_id) IN (SELECT * FROM unnest(%(sources)s::text[], %(review_ids)s::text[]))

-- name: page_compared_weeks
-- Reviews by the week since each movie's release.
SELECT imdb_id, days_since_release, reviews FROM mart.compared_weeks
WHERE imdb_id = ANY(%(imdb_ids)s)
ORDER BY imdb_id, days_since_release

-- name: page_compared
-- The whole (`overall`) and each aspect of movies side by side.
SELECT imdb_id, lower(aspect) AS aspect, coalesce(mentions, 0) AS n, mean_score, half_interval, is_enough
FROM mart.compared_aspects
WHERE imdb_id = ANY(%(imdb_ids)s)
ORDER BY position, imdb_id

-- name: page_differences
-- Each pair of movies whose means of the whole or of an aspect differ by more than the difference's
-- own interval; of independent means that is the root of the sum of both half intervals' squares.
SELECT lower(a.aspect) AS aspect, a.imdb_id AS better, b.imdb_id AS worse,
       a.mean_score - b.mean_score AS difference,
       sqrt(a.half_interval ^ 2 + b.half_interval ^ 2) AS half_interval
FROM mart.compared_aspects a
JOIN mart.compared_aspects b USING (position)
WHERE a.imdb_id = ANY(%(imdb_ids)s) AND b.imdb_id = ANY(%(imdb_ids)s)
  AND a.is_enough AND b.is_enough
  AND a.mean_score - b.mean_score > sqrt(a.half_interval ^ 2 + b.half_interval ^ 2)
ORDER BY position, difference DESC

-- name: page_imports
-- What came by files and saved pages, newest first.
SELECT collection_id, run_id, imdb_id, movie, source, mode, status, reason, sentence, started_at,
       finished_at, site_reviews, distinct_ids, loaded_at, inserted_rows, revised_rows,
       updated_rows, removed_rows
FROM mart.collections
WHERE mode = 'import' AND loaded_at > now() - interval '1 day'
ORDER BY loaded_at DESC, collection_id DESC
LIMIT %(most)s
