-- How many answers of a run could not be used: the last ones in a row, and of its first ones. A run that
-- was stopped for that and is taken up again begins anew.
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
