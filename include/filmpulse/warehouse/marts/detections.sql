CREATE VIEW mart.detections AS
SELECT source, started_at, tracked, unseen, due, looked, due - looked AS left_over FROM ops.detections
UNION ALL
SELECT 'none', date_trunc('hour', now()), 0, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT FROM ops.detections);
COMMENT ON VIEW mart.detections IS 'One row per run of the detector and site: movies due, and movies looked at; before the first run, one row that says so.';
COMMENT ON COLUMN mart.detections.source IS 'The site.';
COMMENT ON COLUMN mart.detections.left_over IS 'Movies that were due and were left for the next run.';
