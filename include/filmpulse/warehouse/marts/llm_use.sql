CREATE VIEW mart.llm_use AS
SELECT day, model, calls, scored, calls - scored - unfinished AS not_scored, input_tokens,
       output_tokens, cost_usd::double precision AS cost_usd,
       unsettled_usd::double precision AS unsettled_usd, quotes_given, quotes_dropped
FROM mart.llm_days
UNION ALL
SELECT (now() AT TIME ZONE 'UTC')::date, 'no model was asked yet', 0, 0, 0, 0, 0, 0, 0, 0, 0
WHERE NOT EXISTS (SELECT FROM ops.llm_calls);
COMMENT ON VIEW mart.llm_use IS 'One row per day and model: requests, tokens, cost and quotes; before the first request, one row that says so.';
COMMENT ON COLUMN mart.llm_use.not_scored IS 'Of these, ended without scores.';
