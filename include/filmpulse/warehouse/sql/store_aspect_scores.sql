INSERT INTO core.aspect_scores (source, review_id, content_hash, analyser_id, aspect, score, quote,
    quote_start)
VALUES (%(source)s, %(review_id)s, %(content_hash)s, %(analyser_id)s, %(aspect)s, %(score)s,
    %(quote)s, %(quote_start)s)
ON CONFLICT DO NOTHING
