-- The ledger of a model: what was asked, answered and paid.

-- name: ledger_patience
-- Finished answers are written down while other requests wait for their turn.
SET LOCAL lock_timeout = '5s'

-- name: ledger_timeout
-- A worker that falls silent during its turn loses the turn, since all others wait for it.
SET idle_in_transaction_session_timeout = '30s'

-- name: ledger_turn
-- One worker at a time takes texts or erases them, until the end of its transaction.
SELECT pg_advisory_xact_lock(hashtextextended('llm ledger', 0))

-- name: ledger_find
SELECT key, status, overall, overall_quote, overall_quote_start, aspects
FROM ops.llm_results
WHERE key = ANY(%(keys)s) AND status IS NOT NULL AND NOT mart.is_stale_answer(status, finished_at)

-- name: ledger_state
-- What may keep a text from being sent, besides a lease: no review has its words any more, this run
-- met a refusal in the last five minutes, or a budget of the run or the day (UTC) is spent. A call of
-- unknown cost counts with what was set aside for it.
SELECT NOT core.has_words(%(content_hash)s) AS is_erased,
       refusal.outcome AS refusal, refusal.sentence AS refusal_sentence,
       coalesce(run.usd, 0) + most.usd > round(%(run_usd)s::numeric, 8) AS is_over_run_budget,
       coalesce(day.usd, 0) + most.usd > round(%(day_usd)s::numeric, 8) AS is_over_day_budget
FROM (SELECT round(%(most_usd)s::numeric, 8) AS usd) most
CROSS JOIN (
    SELECT sum(coalesce(cost_usd, reserved_usd)) AS usd FROM ops.llm_calls
    WHERE run_id = %(run_id)s
) run
CROSS JOIN (
    SELECT sum(coalesce(cost_usd, reserved_usd)) AS usd FROM ops.llm_calls
    WHERE started_at >= date_trunc('day', statement_timestamp(), 'UTC')
) day
LEFT JOIN LATERAL (
    SELECT outcome, sentence FROM ops.llm_calls
    WHERE run_id = %(run_id)s AND ops.is_refusal(outcome)
      AND finished_at > statement_timestamp() - interval '5 minutes'
    ORDER BY call_id LIMIT 1
) refusal ON true

-- name: ledger_standing
-- The answer that was stored before that of a call.
SELECT r.status, r.overall, r.overall_quote, r.overall_quote_start, r.aspects
FROM ops.llm_results r
JOIN ops.llm_calls c ON c.key = r.key
WHERE c.call_id = %(call_id)s AND r.status IS NOT NULL

-- name: ledger_lease
-- A transaction may have waited for its turn, so the time is that of the statement. A new answer may
-- replace a stale one.
INSERT INTO ops.llm_results AS r (key, content_hash, model, prompt_version, leased_until)
VALUES (%(key)s, %(content_hash)s, %(model)s, %(prompt_version)s,
        statement_timestamp() + make_interval(secs => %(lease_seconds)s))
ON CONFLICT (key) DO UPDATE
SET leased_until = excluded.leased_until, status = NULL, finished_at = NULL
WHERE mart.is_stale_answer(r.status, r.finished_at)
   OR (r.status IS NULL
       AND (r.leased_until <= statement_timestamp() OR r.leased_by = %(after)s::bigint))
RETURNING key

-- name: ledger_begin
WITH began AS (
    INSERT INTO ops.llm_calls (key, run_id, imdb_id, model, prompt_version, reserved_usd)
    VALUES (%(key)s, %(run_id)s, %(imdb_id)s, %(model)s, %(prompt_version)s, %(most_usd)s)
    RETURNING call_id, key
), leased AS (
    UPDATE ops.llm_results r SET leased_by = b.call_id FROM began b WHERE r.key = b.key
)
SELECT call_id FROM began

-- name: ledger_answer
-- The first answer stays. A text that was erased meanwhile has no row any more. If the words of a
-- text were dropped, its quotes are dropped too.
UPDATE ops.llm_results r SET status = %(status)s, overall = %(overall)s,
    overall_quote = CASE WHEN core.has_words(r.content_hash) THEN %(overall_quote)s END,
    overall_quote_start =
        CASE WHEN core.has_words(r.content_hash) THEN %(overall_quote_start)s::integer END,
    aspects = CASE WHEN core.has_words(r.content_hash) THEN %(aspects)s ELSE %(bare_aspects)s END,
    finished_at = now(), leased_until = NULL, leased_by = c.call_id
FROM ops.llm_calls c
WHERE c.call_id = %(call_id)s AND r.key = c.key AND r.status IS NULL

-- name: ledger_end
UPDATE ops.llm_calls SET finished_at = now(), outcome = %(outcome)s, http_status = %(http_status)s,
    request_id = %(request_id)s, service_tier = %(service_tier)s, input_tokens = %(input_tokens)s,
    cached_tokens = %(cached_tokens)s, cache_write_tokens = %(cache_write_tokens)s,
    output_tokens = %(output_tokens)s, reasoning_tokens = %(reasoning_tokens)s,
    cost_usd = %(cost_usd)s, quotes_given = %(quotes_given)s, quotes_dropped = %(quotes_dropped)s,
    leniencies = %(leniencies)s, sentence = %(sentence)s
WHERE call_id = %(call_id)s

-- name: ledger_release
UPDATE ops.llm_results r SET leased_until = now()
FROM ops.llm_calls c
WHERE c.call_id = %(call_id)s AND r.key = c.key AND r.leased_by = c.call_id
  AND r.status IS NULL

-- name: ledger_unusable
-- How many answers of a run could not be used: the last ones in a row, and among its first ones. If a
-- run was stopped for that and goes on, the count begins anew.
WITH answers AS (
    SELECT outcome IN ('truncated', 'invalid') AS is_unusable,
           row_number() OVER (ORDER BY finished_at, call_id) AS n
    FROM ops.llm_calls
    WHERE run_id = %(run_id)s AND model = %(model)s
      AND outcome IN ('scored', 'refused', 'content_filter', 'truncated', 'invalid')
      AND call_id > coalesce((SELECT max(call_id) FROM ops.llm_calls
                              WHERE run_id = %(run_id)s AND outcome = 'unusable_answers'), 0)
)
SELECT count(*) - coalesce(max(n) FILTER (WHERE NOT is_unusable), 0) AS in_a_row,
       count(*) FILTER (WHERE is_unusable AND n <= %(first)s) AS of_first
FROM answers

-- name: ledger_ask_again
-- Take back a model's unreadable answers about movies (these, or all), so that it is asked again.
UPDATE ops.llm_results r
SET status = NULL, finished_at = NULL, leased_until = now(), leased_by = NULL
WHERE r.status = 'invalid' AND (r.model, r.prompt_version) = (%(model)s, %(prompt_version)s)
  AND EXISTS (SELECT FROM core.reviews v
              WHERE v.content_hash = r.content_hash
                AND (%(imdb_ids)s::text[] IS NULL OR v.imdb_id = ANY(%(imdb_ids)s)))

-- name: note_refusal
-- Note a refusal before any review was sent. Like any other, it stops the run for five minutes and is
-- reported. A row without a key stands for no request.
INSERT INTO ops.llm_calls (run_id, model, prompt_version, finished_at, outcome, reserved_usd, cost_usd,
    sentence)
SELECT %(run_id)s, %(model)s, %(prompt_version)s, clock_timestamp(), %(outcome)s, 0, 0, %(sentence)s
WHERE NOT EXISTS (
    SELECT FROM ops.llm_calls
    WHERE run_id = %(run_id)s AND outcome = %(outcome)s
      AND finished_at > clock_timestamp() - interval '5 minutes')

-- name: run_calls
-- What a run asked each model, how that ended, what it cost, which leniencies its answers took, what
-- stopped the run, and what went wrong most often.
SELECT c.model,
       -- A refusal without a key came before any review was sent.
       count(*) FILTER (WHERE c.key IS NOT NULL OR c.outcome IS NULL OR NOT c.is_refusal) AS calls,
       coalesce(sum(c.input_tokens), 0) AS input_tokens,
       coalesce(sum(c.cached_tokens), 0) AS cached_tokens,
       coalesce(sum(c.output_tokens), 0) AS output_tokens,
       coalesce(sum(c.cost_usd), 0) AS cost_usd,
       count(*) FILTER (WHERE c.cost_usd IS NULL) AS unsettled,
       coalesce(sum(c.reserved_usd) FILTER (WHERE c.cost_usd IS NULL), 0) AS unsettled_usd,
       max(c.reserved_usd) AS most_reserved_usd,
       sum(c.quotes_given) AS quotes_given, sum(c.quotes_dropped) AS quotes_dropped,
       (SELECT jsonb_object_agg(o.outcome, o.n) FROM (
            SELECT outcome, count(*) AS n FROM ops.llm_calls
            WHERE run_id = %(run_id)s AND model = c.model AND outcome <> 'scored'
              AND key IS NOT NULL
            GROUP BY outcome) o) AS outcomes,
       (SELECT jsonb_object_agg(l.leniency, l.n) FROM (
            SELECT leniency, count(*) AS n FROM ops.llm_calls, unnest(leniencies) leniency
            WHERE run_id = %(run_id)s AND model = c.model
            GROUP BY leniency) l) AS leniencies,
       min(c.sentence) FILTER (WHERE c.is_refusal) AS refusal,
       -- A run that was repaired and went on has usable answers since.
       coalesce(max(c.call_id) FILTER (WHERE c.outcome = 'unusable_answers')
                > coalesce(max(c.call_id) FILTER (WHERE c.outcome = 'scored'), 0), false)
           AS is_unusable,
       mode() WITHIN GROUP (ORDER BY c.sentence) AS trouble
FROM (SELECT *, coalesce(ops.is_refusal(outcome), false) AS is_refusal
      FROM ops.llm_calls WHERE run_id = %(run_id)s) c
GROUP BY c.model
ORDER BY c.model

-- name: spent_today
-- What today (UTC) has cost, with what is set aside for calls of unknown cost.
SELECT coalesce(sum(coalesce(cost_usd, reserved_usd)), 0) AS usd
FROM ops.llm_calls WHERE started_at >= date_trunc('day', now(), 'UTC')
