-- Revisions, analyses and scores go with their reviews; they are counted as they were before.
WITH gone AS (
    DELETE FROM core.reviews
    WHERE imdb_id = %(imdb_id)s AND source = %(source)s
      AND (review_id = ANY(%(review_ids)s) OR author_key = ANY(%(author_keys)s))
    RETURNING source, review_id, content_hash
), revisions AS (
    SELECT r.content_hash FROM core.review_revisions r JOIN gone USING (source, review_id)
), analyses AS (
    SELECT a.content_hash FROM core.review_analyses a JOIN gone USING (source, review_id)
)
SELECT (SELECT count(*) FROM gone) AS reviews,
       (SELECT count(*) FROM revisions) + (SELECT count(*) FROM analyses)
       + (SELECT count(*) FROM core.aspect_scores JOIN gone USING (source, review_id)) AS others,
       ARRAY(SELECT content_hash FROM gone UNION TABLE revisions UNION TABLE analyses) AS hashes
