CREATE VIEW mart.llm_use AS
SELECT day, model, calls, scored, calls - scored - unfinished AS not_scored, input_tokens,
       output_tokens, cost_usd::double precision AS cost_usd,
       unsettled_usd::double precision AS unsettled_usd, quotes_given, quotes_dropped
FROM mart.llm_days
UNION ALL
SELECT (now() AT TIME ZONE 'UTC')::date, 'no model was asked yet', 0, 0, 0, 0, 0, 0, 0, 0, 0
WHERE NOT EXISTS (SELECT FROM ops.llm_calls);
COMMENT ON VIEW mart.llm_use IS 'One row per day and model: requests, tokens, cost and quotes; before the first request, one row that says so.';
COMMENT ON COLUMN mart.llm_use.day IS 'The day on which the requests were sent (UTC).';
COMMENT ON COLUMN mart.llm_use.model IS 'The model asked.';
COMMENT ON COLUMN mart.llm_use.calls IS 'Requests that were sent.';
COMMENT ON COLUMN mart.llm_use.scored IS 'Of these, answered with scores.';
COMMENT ON COLUMN mart.llm_use.not_scored IS 'Of these, ended without scores.';
COMMENT ON COLUMN mart.llm_use.input_tokens IS 'Tokens read, cached ones among them.';
COMMENT ON COLUMN mart.llm_use.output_tokens IS 'Tokens written, reasoning among them.';
COMMENT ON COLUMN mart.llm_use.cost_usd IS 'What it cost, as far as it is known (USD).';
COMMENT ON COLUMN mart.llm_use.unsettled_usd IS 'The most that the others can have cost (USD).';
COMMENT ON COLUMN mart.llm_use.quotes_given IS 'Quotes in the answers.';
COMMENT ON COLUMN mart.llm_use.quotes_dropped IS 'Of these, not in the text, too short or too long.';
