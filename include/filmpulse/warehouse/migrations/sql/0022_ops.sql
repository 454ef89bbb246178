-- How IMDb's datasets came here.
CREATE TABLE ops.catalogue_acceptance (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    subset      text NOT NULL CHECK (subset IN ('rated', 'no_episodes', 'all')),
    server      text NOT NULL,
    clause      text NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ops.catalogue_acceptance IS 'That a person accepted the terms of the datasets, and what they chose; no row before.';
COMMENT ON COLUMN ops.catalogue_acceptance.only_row IS 'Always true: there is one row at most.';
COMMENT ON COLUMN ops.catalogue_acceptance.subset IS 'rated, no_episodes or all: the titles that are kept.';
COMMENT ON COLUMN ops.catalogue_acceptance.server IS 'Host, and port if named, of the datasets that they were accepted for: nothing is downloaded from another.';
COMMENT ON COLUMN ops.catalogue_acceptance.clause IS 'The terms as they were shown.';
COMMENT ON COLUMN ops.catalogue_acceptance.accepted_at IS 'When they were accepted (UTC).';

CREATE TABLE ops.catalogue_loads (
    load_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id         text NOT NULL,
    dataset        text NOT NULL,
    subset         text NOT NULL,
    url            text NOT NULL,
    state          text NOT NULL CHECK (state IN ('loading', 'loaded', 'live', 'unchanged', 'refused', 'failed')),
    reason         text,
    sentence       text,
    etag           text,
    modified_at    timestamptz,
    file_bytes     bigint CHECK (file_bytes >= 0),
    rows_read      bigint CHECK (rows_read >= 0),
    rows_kept      bigint CHECK (rows_kept >= 0),
    rows_duplicate bigint CHECK (rows_duplicate >= 0),
    rows_left_out  bigint CHECK (rows_left_out >= 0),
    table_bytes    bigint CHECK (table_bytes >= 0),
    copy_seconds   double precision CHECK (copy_seconds >= 0),
    started_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz
);
CREATE INDEX catalogue_loads_by_dataset ON ops.catalogue_loads (dataset, load_id);
COMMENT ON TABLE ops.catalogue_loads IS 'One row per dataset and try to load it.';
COMMENT ON COLUMN ops.catalogue_loads.load_id IS 'Our number for it; a later load has a higher one.';
COMMENT ON COLUMN ops.catalogue_loads.run_id IS 'The run that loaded it.';
COMMENT ON COLUMN ops.catalogue_loads.dataset IS 'Such as title.basics.';
COMMENT ON COLUMN ops.catalogue_loads.subset IS 'rated, no_episodes or all: the titles that were kept.';
COMMENT ON COLUMN ops.catalogue_loads.url IS 'Address of the file.';
COMMENT ON COLUMN ops.catalogue_loads.state IS 'loading; loaded (not shown yet); live (readers see it, or saw it until the next); unchanged (not loaded); refused (its content); failed.';
COMMENT ON COLUMN ops.catalogue_loads.reason IS 'Why it was refused or failed, in a word.';
COMMENT ON COLUMN ops.catalogue_loads.sentence IS 'The same in a sentence.';
COMMENT ON COLUMN ops.catalogue_loads.etag IS 'The server''s mark of this version of the file.';
COMMENT ON COLUMN ops.catalogue_loads.modified_at IS 'When the server says that the file was made (UTC).';
COMMENT ON COLUMN ops.catalogue_loads.file_bytes IS 'Size of the compressed file.';
COMMENT ON COLUMN ops.catalogue_loads.rows_read IS 'Rows in the file, without its header.';
COMMENT ON COLUMN ops.catalogue_loads.rows_kept IS 'Rows in the table.';
COMMENT ON COLUMN ops.catalogue_loads.rows_duplicate IS 'Rows dropped because their key had come before.';
COMMENT ON COLUMN ops.catalogue_loads.rows_left_out IS 'Rows dropped because their title is not in the subset.';
COMMENT ON COLUMN ops.catalogue_loads.table_bytes IS 'Size of the table with its keys and indexes.';
COMMENT ON COLUMN ops.catalogue_loads.copy_seconds IS 'Time from the first row to the last, in seconds.';
COMMENT ON COLUMN ops.catalogue_loads.started_at IS 'When the try began (UTC).';
COMMENT ON COLUMN ops.catalogue_loads.finished_at IS 'When it ended (UTC); null while it is under way, or if its process was killed.';
