-- Backups and restore drills (docs/adr/0036).
CREATE TABLE ops.backups (
    backup_id       text PRIMARY KEY,
    url             text NOT NULL,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    taken_at        timestamptz,
    status          text NOT NULL CHECK (status IN ('running', 'verified', 'failed')),
    schema_revision text,
    tables          integer,
    rows            bigint,
    bytes           bigint,
    stored_bytes    bigint,
    reason          text,
    sentence        text,
    CHECK ((status = 'verified') <= (taken_at IS NOT NULL))
);
COMMENT ON TABLE ops.backups IS 'One row per backup that was begun: how it ended. Which are still there, only their place knows: filmpulse backup list.';
COMMENT ON COLUMN ops.backups.backup_id IS 'Its folder: the time at which it began, and six random digits.';
COMMENT ON COLUMN ops.backups.url IS 'Where it lies.';
COMMENT ON COLUMN ops.backups.started_at IS 'When it began (UTC).';
COMMENT ON COLUMN ops.backups.finished_at IS 'When it was verified, or failed (UTC).';
COMMENT ON COLUMN ops.backups.taken_at IS 'The moment as of which it holds all tables (UTC).';
COMMENT ON COLUMN ops.backups.status IS 'running, verified (read back, and equal to its manifest), or failed.';
COMMENT ON COLUMN ops.backups.schema_revision IS 'Revision of the tables.';
COMMENT ON COLUMN ops.backups.tables IS 'How many tables it holds.';
COMMENT ON COLUMN ops.backups.rows IS 'Rows of all tables.';
COMMENT ON COLUMN ops.backups.bytes IS 'Bytes of all tables as CSV.';
COMMENT ON COLUMN ops.backups.stored_bytes IS 'Bytes in their place, compressed.';
COMMENT ON COLUMN ops.backups.reason IS 'Why it failed: one stable word.';
COMMENT ON COLUMN ops.backups.sentence IS 'The same for a person; of a verified one, what could not be deleted, if anything.';

CREATE TABLE ops.restore_drills (
    drill_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    backup_id   text,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    status      text NOT NULL CHECK (status IN ('passed', 'failed')),
    tables      integer,
    rows        bigint,
    reason      text,
    sentence    text NOT NULL
);
COMMENT ON TABLE ops.restore_drills IS 'One row per restore drill: whether the newest backup came back whole in a scratch database.';
COMMENT ON COLUMN ops.restore_drills.drill_id IS 'Our number for it.';
COMMENT ON COLUMN ops.restore_drills.backup_id IS 'The backup; null if there was none.';
COMMENT ON COLUMN ops.restore_drills.started_at IS 'When it began (UTC).';
COMMENT ON COLUMN ops.restore_drills.finished_at IS 'When it ended (UTC).';
COMMENT ON COLUMN ops.restore_drills.status IS 'passed: all rows and hashes are those of the backup. Otherwise failed.';
COMMENT ON COLUMN ops.restore_drills.tables IS 'How many tables came back.';
COMMENT ON COLUMN ops.restore_drills.rows IS 'Rows of all tables.';
COMMENT ON COLUMN ops.restore_drills.reason IS 'Why it failed: one stable word.';
COMMENT ON COLUMN ops.restore_drills.sentence IS 'How it went, for a person.';
