CREATE VIEW mart.review_revisions AS
SELECT v.source, v.review_id, v.imdb_id, n.movie, v.replaced_at, v.title, v.body, v.rating_1_10,
       v.submitted_on, v.is_spoiler, v.helpful_up, v.helpful_down
FROM core.review_revisions v
JOIN mart.movie_names n USING (imdb_id);
COMMENT ON VIEW mart.review_revisions IS 'One row per earlier version of a review that was edited.';
COMMENT ON COLUMN mart.review_revisions.title IS 'Heading before; null once dropped.';
COMMENT ON COLUMN mart.review_revisions.body IS 'Text before; null once dropped.';
COMMENT ON COLUMN mart.review_revisions.rating_1_10 IS 'Stars before; null when none were given.';
COMMENT ON COLUMN mart.review_revisions.submitted_on IS 'Day before.';
COMMENT ON COLUMN mart.review_revisions.is_spoiler IS 'Whether it was marked as a spoiler; do not show its words unasked.';
COMMENT ON COLUMN mart.review_revisions.helpful_up IS 'Readers who found it helpful, when it was replaced.';
COMMENT ON COLUMN mart.review_revisions.helpful_down IS 'Readers who did not, when it was replaced.';
