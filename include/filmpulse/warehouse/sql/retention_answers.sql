-- What a model said of words that nobody holds any more loses its quotes.
WITH answers AS (
    SELECT r.key, (r.overall_quote IS NOT NULL)::integer
           + (SELECT count(*) FROM jsonb_array_elements(r.aspects) a WHERE a ->> 'quote' IS NOT NULL)
               AS quotes
    FROM ops.llm_results r
    WHERE r.content_hash = ANY(%(hashes)s) AND NOT core.has_words(r.content_hash)
), dropped AS (
    UPDATE ops.llm_results r SET overall_quote = NULL, overall_quote_start = NULL, aspects = (
        SELECT coalesce(jsonb_agg(a || '{"quote": null, "quote_start": null}' ORDER BY n), '[]')
        FROM jsonb_array_elements(r.aspects) WITH ORDINALITY AS given (a, n))
    FROM answers WHERE r.key = answers.key AND answers.quotes > 0
    RETURNING answers.quotes
)
SELECT coalesce(sum(quotes), 0)::integer AS quotes FROM dropped
