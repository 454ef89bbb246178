-- Everything on a movie's time axis. Events long before its first review would only stretch the axis,
-- so they are left out. Events and the site's figures have a row for each language of the movie (one
-- for "not known" if it has no review), so that choosing a language keeps them.
CREATE VIEW mart.timeline AS
SELECT c.imdb_id, c.movie, r.submitted_on AS day, r.language_name, 'review' AS kind,
       r.source, r.review_id, r.grade_band, r.rating_1_10, r.overall,
       NULL::numeric AS site_rating, c.site_rating AS site_rating_now, NULL::text AS event
FROM mart.movie_counts c
CROSS JOIN LATERAL (
    SELECT r.submitted_on, mart.language_name(r.language) AS language_name, r.source, r.review_id,
           mart.grade_band(r.rating_1_10) AS grade_band, r.rating_1_10, a.overall
    FROM core.movies m
    JOIN mart.current_reviews r USING (imdb_id)
    LEFT JOIN core.review_analyses a
           ON (a.source, a.review_id, a.content_hash) = (r.source, r.review_id, r.content_hash)
          AND a.imdb_id = m.imdb_id AND a.analyser_id = m.active_analyser_id
    WHERE m.imdb_id = c.imdb_id AND r.submitted_on IS NOT NULL
    OFFSET 0
) r
UNION ALL
SELECT n.imdb_id, n.movie, o.day, mart.language_name(g.language), o.kind,
       NULL, NULL, NULL, NULL, NULL, o.site_rating, NULL, o.event
FROM mart.movie_counts n
CROSS JOIN LATERAL (
    SELECT e.happened_on AS day, 'event' AS kind, NULL::numeric AS site_rating, e.label AS event
    FROM mart.movie_events e
    WHERE e.imdb_id = n.imdb_id AND e.happened_on >= coalesce((
        SELECT min(r.submitted_on) - 90 FROM mart.current_reviews r
        WHERE r.imdb_id = n.imdb_id), '-infinity')
    UNION ALL
    -- The last look of each day, found by the key: most looks of a day say the same. Without counts of
    -- reviews, the site is the one that was looked at last.
    SELECT d.day, 'site', s.rating, NULL
    FROM (
        SELECT s.source, (min(taken_at) AT TIME ZONE 'UTC')::date AS first,
               (max(taken_at) AT TIME ZONE 'UTC')::date AS last
        FROM core.movie_snapshots s WHERE s.imdb_id = n.imdb_id AND s.source = coalesce(n.site, s.source)
        GROUP BY s.source ORDER BY max(taken_at) DESC LIMIT 1
    ) looks
    CROSS JOIN LATERAL (
        SELECT looks.first + after AS day FROM generate_series(0, looks.last - looks.first) after
    ) d
    CROSS JOIN LATERAL (
        SELECT s.rating FROM core.movie_snapshots s
        WHERE s.imdb_id = n.imdb_id AND s.source = looks.source AND s.rating IS NOT NULL
          AND s.taken_at >= d.day::timestamp AT TIME ZONE 'UTC'
          AND s.taken_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
        ORDER BY s.taken_at DESC LIMIT 1
    ) s
) o
CROSS JOIN LATERAL (
    SELECT DISTINCT r.language
    FROM (VALUES (n.imdb_id)) AS of (imdb_id)
    LEFT JOIN mart.current_reviews r ON r.imdb_id = of.imdb_id
) g;
COMMENT ON VIEW mart.timeline IS 'One row per current review with a day, and one per event and per day on which the site was looked at for each language of the movie''s reviews.';
COMMENT ON COLUMN mart.timeline.day IS 'When it was: the review''s day, the event''s day, the day of the look (UTC).';
COMMENT ON COLUMN mart.timeline.kind IS 'review, event, or site (a look at the site''s own figures).';
COMMENT ON COLUMN mart.timeline.source IS 'Where the review stands; null for the others.';
COMMENT ON COLUMN mart.timeline.review_id IS 'The site''s own id; null for the others.';
COMMENT ON COLUMN mart.timeline.grade_band IS 'Stars of the review in bands of two, or "no grade"; null for the others.';
COMMENT ON COLUMN mart.timeline.rating_1_10 IS 'Stars of the review; null for the others.';
COMMENT ON COLUMN mart.timeline.overall IS 'The whole review, -2 to 2; null for the others, and when not scored.';
COMMENT ON COLUMN mart.timeline.site_rating IS 'The site''s own mean rating as last seen on that day; null for the others.';
COMMENT ON COLUMN mart.timeline.site_rating_now IS 'With a review: the site''s own mean rating as last seen.';
COMMENT ON COLUMN mart.timeline.event IS 'What happened; null for the others.';
