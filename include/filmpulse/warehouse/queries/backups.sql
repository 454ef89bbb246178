-- What became of backups and of restore drills.

-- name: backup_begin
-- One runs at a time, so one that still runs by its row broke off.
WITH broken AS (
    UPDATE ops.backups
    SET status = 'failed', reason = 'broke_off', finished_at = %(now)s,
        sentence = 'It broke off: its process was killed, or the machine went down.'
    WHERE status = 'running'
)
INSERT INTO ops.backups (backup_id, url, started_at, status)
VALUES (%(backup_id)s, %(url)s, %(now)s, 'running')

-- name: backup_verified
UPDATE ops.backups
SET status = 'verified', finished_at = %(finished_at)s, taken_at = %(taken_at)s,
    schema_revision = %(schema_revision)s, tables = %(tables)s, rows = %(rows)s,
    bytes = %(bytes)s, stored_bytes = %(stored_bytes)s, sentence = %(sentence)s
WHERE backup_id = %(backup_id)s

-- name: backup_failed
UPDATE ops.backups
SET status = 'failed', finished_at = %(finished_at)s, reason = %(reason)s, sentence = %(sentence)s
WHERE backup_id = %(backup_id)s

-- name: backup_newest
-- When the newest backup that was verified was taken (UTC); null if there is none.
SELECT max(taken_at) FROM ops.backups WHERE status = 'verified'

-- name: drill_record
INSERT INTO ops.restore_drills
    (backup_id, started_at, finished_at, status, tables, rows, reason, sentence)
VALUES (%(backup_id)s, %(started_at)s, %(finished_at)s, %(status)s, %(tables)s, %(rows)s,
        %(reason)s, %(sentence)s)
