-- Texts of a movie whose time is over: a review's words, of which every place that says them, the
-- review itself or something it said before, was given up by the cutoff.
SELECT review_id, content_hash, bool_or(is_current) AS is_current, max(language) AS language
FROM (SELECT review_id, content_hash, coalesce(removed_at, 'infinity') AS until, true AS is_current,
             language, title IS NOT NULL OR body IS NOT NULL AS has_text
      FROM core.reviews WHERE imdb_id = %(imdb_id)s AND source = %(source)s
      UNION ALL
      SELECT review_id, content_hash, replaced_at, false, NULL,
             title IS NOT NULL OR body IS NOT NULL
      FROM core.review_revisions WHERE imdb_id = %(imdb_id)s AND source = %(source)s) held
GROUP BY review_id, content_hash
HAVING max(until) <= %(cutoff)s AND bool_or(has_text)
ORDER BY review_id, content_hash
