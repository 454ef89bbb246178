CREATE VIEW mart.backups AS
SELECT backup_id, taken_at, rows, stored_bytes FROM ops.backups WHERE status = 'verified';
COMMENT ON VIEW mart.backups IS 'One row per backup that was verified, those among them that are deleted since: how many stay is a setting.';
