INSERT INTO ops.movie_checks AS c (imdb_id, checked_at, outcome, reason, sentence, review_count, mode)
VALUES (%(imdb_id)s, %(checked_at)s, %(outcome)s, %(reason)s, %(sentence)s, %(review_count)s,
        %(mode)s)
ON CONFLICT (imdb_id) DO UPDATE SET
    checked_at = excluded.checked_at, outcome = excluded.outcome, reason = excluded.reason,
    sentence = excluded.sentence, mode = excluded.mode,
    review_count = coalesce(excluded.review_count, c.review_count)
