-- What a model said of words that nobody holds any more; what it cost stays, told of no text.
WITH gone AS (
    DELETE FROM ops.llm_results r
    WHERE r.content_hash = ANY(%(hashes)s) AND NOT core.has_words(r.content_hash)
    RETURNING key
), calls AS (
    UPDATE ops.llm_calls c SET key = NULL FROM gone WHERE c.key = gone.key
)
SELECT key FROM gone
