CREATE VIEW mart.catalogue_loads AS
SELECT l.load_id, l.dataset, l.subset, l.state, l.started_at, l.finished_at, l.file_bytes,
       l.rows_read, l.rows_kept, l.rows_duplicate, l.rows_left_out, l.table_bytes, l.copy_seconds,
       l.rows_read / nullif(l.copy_seconds, 0) AS rows_per_second,
       coalesce(nullif(concat_ws('; ',
           CASE WHEN l.rows_left_out > 0 THEN to_char(l.rows_left_out, 'FM999,999,999,999') || ' not in the subset ' || l.subset END,
           CASE WHEN l.rows_duplicate > 0 THEN to_char(l.rows_duplicate, 'FM999,999,999,999') || ' whose key had come before' END),
           ''), CASE WHEN l.rows_kept IS NOT NULL THEN 'nothing' END) AS dropped,
       l.reason, l.sentence
FROM ops.catalogue_loads l
UNION ALL
SELECT NULL, 'no dataset was loaded yet', NULL, 'none', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL,
       'Accept IMDb''s terms on the page Catalogue in Airflow, or run filmpulse catalogue accept.'
WHERE NOT EXISTS (SELECT FROM ops.catalogue_loads);
COMMENT ON VIEW mart.catalogue_loads IS 'One row per dataset of IMDb and try to load it; one row that says so before the first.';
COMMENT ON COLUMN mart.catalogue_loads.load_id IS 'Our number for it; a later load has a higher one.';
COMMENT ON COLUMN mart.catalogue_loads.dataset IS 'Such as title.basics.';
COMMENT ON COLUMN mart.catalogue_loads.state IS 'loading; loaded (not shown yet); live (readers see it, or saw it until the next); unchanged (not loaded); refused (its content); failed; none before the first.';
COMMENT ON COLUMN mart.catalogue_loads.rows_per_second IS 'rows_read over copy_seconds.';
COMMENT ON COLUMN mart.catalogue_loads.dropped IS 'Rows that were dropped, and why, in words.';
COMMENT ON COLUMN mart.catalogue_loads.sentence IS 'Why it was refused or failed, in a sentence.';
