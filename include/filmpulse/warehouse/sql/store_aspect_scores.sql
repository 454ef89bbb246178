INSERT INTO core.aspect_scores (source, review_id, content_hash, analyser_id, aspect, score, quote,
    quote_start)
SELECT %(source)s, %(review_id)s, %(content_hash)s, %(analyser_id)s::integer, %(aspect)s,
    %(score)s::smallint, %(quote)s, %(quote_start)s::integer
FROM core.review_analyses a
WHERE (a.source, a.review_id, a.content_hash, a.analyser_id)
    = (%(source)s, %(review_id)s, %(content_hash)s, %(analyser_id)s::integer)
ON CONFLICT DO NOTHING
