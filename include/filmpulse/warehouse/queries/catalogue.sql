-- The catalogue: acceptance, the ledger of loads, and what a load does to the schemas
-- (`warehouse/catalogue.py`). Names in braces are filled in as identifiers.

-- name: catalogue_accept
INSERT INTO ops.catalogue_acceptance (subset, server, clause)
VALUES (%(subset)s, %(server)s, %(clause)s)
ON CONFLICT (only_row) DO UPDATE
SET subset = excluded.subset, server = excluded.server, clause = excluded.clause, accepted_at = now()

-- name: catalogue_acceptance
SELECT subset, server, accepted_at FROM ops.catalogue_acceptance

-- name: catalogue_withdraw
DELETE FROM ops.catalogue_acceptance

-- name: catalogue_newest_loads
-- The newest try to load each dataset, in the order of those tries.
SELECT DISTINCT ON (dataset) dataset, run_id, subset, url, state, reason, sentence, etag, modified_at,
       file_bytes, rows_read, rows_kept, rows_duplicate, rows_left_out, table_bytes, copy_seconds,
       started_at, finished_at
FROM ops.catalogue_loads
WHERE state = ANY(%(states)s)
ORDER BY dataset, load_id DESC

-- name: catalogue_load_begin
-- An earlier try of the same run counts no more.
WITH earlier AS (
    UPDATE ops.catalogue_loads
    SET state = 'failed', reason = 'repeated', sentence = 'The run loaded it again.',
        finished_at = coalesce(finished_at, now())
    WHERE run_id = %(run_id)s AND dataset = %(dataset)s AND state IN ('loading', 'loaded')
)
INSERT INTO ops.catalogue_loads (run_id, dataset, subset, url, state)
VALUES (%(run_id)s, %(dataset)s, %(subset)s, %(url)s, 'loading')
RETURNING load_id

-- name: catalogue_load_unchanged
INSERT INTO ops.catalogue_loads
    (run_id, dataset, subset, url, state, etag, modified_at, finished_at)
VALUES (%(run_id)s, %(dataset)s, %(subset)s, %(url)s, 'unchanged', %(etag)s, %(modified_at)s, now())

-- name: catalogue_load_read
-- All rows of the file were read; those of a subset may wait to be chosen.
UPDATE ops.catalogue_loads
SET etag = %(etag)s, modified_at = %(modified_at)s, file_bytes = %(file_bytes)s,
    rows_read = %(rows_read)s, copy_seconds = %(copy_seconds)s
WHERE load_id = %(load_id)s

-- name: catalogue_load_done
UPDATE ops.catalogue_loads
SET state = 'loaded', rows_kept = %(rows_kept)s, rows_duplicate = %(rows_duplicate)s,
    rows_left_out = rows_read - %(rows_kept)s - %(rows_duplicate)s, table_bytes = %(table_bytes)s,
    finished_at = now()
WHERE load_id = %(load_id)s

-- name: catalogue_load_failed
UPDATE ops.catalogue_loads
SET state = %(state)s, reason = %(reason)s, sentence = %(sentence)s, finished_at = now()
WHERE load_id = %(load_id)s

-- name: catalogue_load_waiting
-- The load of a dataset whose rows were read by a run and wait to be chosen.
SELECT load_id FROM ops.catalogue_loads
WHERE run_id = %(run_id)s AND dataset = %(dataset)s AND state = 'loading' AND rows_read IS NOT NULL
ORDER BY load_id DESC
LIMIT 1

-- name: catalogue_loads_live
UPDATE ops.catalogue_loads SET state = 'live' WHERE run_id = %(run_id)s AND state = 'loaded'

-- name: catalogue_loads_dropped
-- Loads that no reader will see: their tables were dropped. One that was under way when its process was
-- killed had no other end.
UPDATE ops.catalogue_loads
SET state = 'failed', reason = %(reason)s, sentence = %(sentence)s,
    finished_at = coalesce(finished_at, now())
WHERE state IN ('loading', 'loaded')

-- name: catalogue_loads_of_run
-- How the newest try of each dataset of a run ended.
SELECT DISTINCT ON (dataset) dataset, state, reason, sentence
FROM ops.catalogue_loads
WHERE run_id = %(run_id)s
ORDER BY dataset, load_id DESC

-- name: catalogue_owner
-- Who fills `catalogue_next`, as its comment says; null if the schema is missing.
SELECT obj_description(to_regnamespace('catalogue_next'), 'pg_namespace') AS owner

-- name: catalogue_worker
-- The process that works on the catalogue just now, if any.
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND classid = %(space)s AND objid = 0 AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
LIMIT 1

-- name: catalogue_tables
-- The live tables, and how large each is with its indexes.
SELECT relname::text AS name, obj_description(oid, 'pg_class') AS description,
       pg_total_relation_size(oid) AS bytes
FROM pg_class
WHERE relnamespace = to_regnamespace('catalogue_live') AND relkind = 'r'
ORDER BY relname

-- name: catalogue_relations
-- Tables and views of the next catalogue.
SELECT relname::text AS name, relkind = 'v' AS is_view, pg_total_relation_size(oid) AS bytes
FROM pg_class
WHERE relnamespace = to_regnamespace('catalogue_next') AND relkind IN ('r', 'v')

-- name: catalogue_views
-- What readers read: each view is named after its table.
SELECT relname::text FROM pg_class
WHERE relnamespace = 'catalogue'::regnamespace AND relkind = 'v'
ORDER BY relname

-- name: catalogue_is_filled
SELECT EXISTS (SELECT FROM catalogue_live.{table}) AS is_filled

-- name: catalogue_keys
-- How to make the keys and the indexes of a live table on the next one, keys first; of a key its columns.
SELECT format('ALTER TABLE catalogue_next.%%I ADD CONSTRAINT %%I %%s', c.relname, k.conname,
              pg_get_constraintdef(k.oid)) AS make_it,
       array(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY key(number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number
             ORDER BY key.place) AS key_columns
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = 'catalogue_live'::regnamespace AND c.relname = %(table)s
  AND k.contype IN ('p', 'u')
UNION ALL
SELECT replace(pg_get_indexdef(x.indexrelid), ' ON catalogue_live.', ' ON catalogue_next.'), '{}'
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = 'catalogue_live'::regnamespace AND c.relname = %(table)s
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid)
ORDER BY 2 DESC, 1

-- name: catalogue_clear
DROP SCHEMA IF EXISTS catalogue_next, catalogue_old CASCADE

-- name: catalogue_make_schema
CREATE SCHEMA catalogue_next

-- name: catalogue_note_owner
COMMENT ON SCHEMA catalogue_next IS {owner}

-- name: catalogue_make_table
DROP TABLE IF EXISTS catalogue_next.{table};
CREATE TABLE catalogue_next.{table} (LIKE catalogue_live.{table} INCLUDING ALL EXCLUDING INDEXES);
COMMENT ON TABLE catalogue_next.{table} IS {description}

-- name: catalogue_make_raw
-- Rows on their way, of which a part is kept. It is lost if the server crashes, as it should be.
DROP TABLE IF EXISTS catalogue_next.{raw};
CREATE UNLOGGED TABLE catalogue_next.{raw} (LIKE catalogue_live.{table} INCLUDING CONSTRAINTS)

-- name: catalogue_stand_in
-- A dataset that is not loaded: the next catalogue has the live rows.
CREATE VIEW catalogue_next.{table} AS SELECT * FROM catalogue_live.{table}

-- name: catalogue_copy
-- Nothing is quoted in the files, so that the quote is a character that they do not hold. We quote carriage
-- returns alone (`Rows`); the escape counts within quotes only, so it is any other character.
COPY catalogue_next.{table} FROM STDIN
(FORMAT csv, DELIMITER E'\t', QUOTE E'\x01', ESCAPE '"', NULL '\N', ENCODING 'UTF8')

-- name: catalogue_keep_no_episodes
INSERT INTO catalogue_next.{table}
SELECT r.* FROM catalogue_next.{raw} r
WHERE r.title_type IS DISTINCT FROM 'tvEpisode'
ORDER BY r.ctid

-- name: catalogue_keep_of_titles
INSERT INTO catalogue_next.{table}
SELECT r.* FROM catalogue_next.{raw} r
WHERE EXISTS (SELECT FROM catalogue_next.{titles} t WHERE t.tconst = r.{column})
ORDER BY r.ctid

-- name: catalogue_keep_people
-- Those who are credited in a kept title, or known for one.
INSERT INTO catalogue_next.{table}
SELECT r.* FROM catalogue_next.{raw} r
JOIN (
    SELECT nconst FROM catalogue_next.title_principals
    UNION
    SELECT nconst FROM catalogue_next.credits
    UNION
    SELECT known.nconst
    FROM catalogue_next.{raw} known
    CROSS JOIN LATERAL unnest(string_to_array(known.known_for_titles, ',')) title(tconst)
    JOIN catalogue_next.{titles} USING (tconst)
) kept USING (nconst)
ORDER BY r.ctid

-- name: catalogue_drop_duplicates
-- Keep the first row of each key: rows lie in a table as they came.
DELETE FROM catalogue_next.{table} t
USING (
    SELECT ctid AS place, row_number() OVER (PARTITION BY {columns} ORDER BY ctid) AS number
    FROM catalogue_next.{table}
) each
WHERE t.ctid = each.place AND each.number > 1

-- name: catalogue_fill_genres
INSERT INTO catalogue_next.title_genres (tconst, genre, position)
SELECT b.tconst, each.genre, each.position
FROM catalogue_next.title_basics b
CROSS JOIN LATERAL (
    SELECT genre, min(position) AS position
    FROM unnest(string_to_array(b.genres, ',')) WITH ORDINALITY list(genre, position)
    WHERE genre <> ''
    GROUP BY genre
) each

-- name: catalogue_fill_crew
INSERT INTO catalogue_next.credits (tconst, nconst, role, position)
SELECT c.tconst, each.nconst, lists.role, each.position
FROM catalogue_next.title_crew c
CROSS JOIN LATERAL (VALUES ('director', c.directors), ('writer', c.writers)) lists(role, people)
CROSS JOIN LATERAL (
    SELECT nconst, min(position) AS position
    FROM unnest(string_to_array(lists.people, ',')) WITH ORDINALITY list(nconst, position)
    WHERE nconst <> ''
    GROUP BY nconst
) each

-- name: catalogue_fill_cast
INSERT INTO catalogue_next.credits (tconst, nconst, role, position)
SELECT tconst, nconst, 'cast', min(ordering)
FROM catalogue_next.title_principals
WHERE category IN ('actor', 'actress', 'self') AND nconst IS NOT NULL
GROUP BY tconst, nconst

-- name: catalogue_now
-- A number for this moment: whoever began to read later sees all rows that are committed by now.
SELECT pg_current_xact_id()::xid::text

-- name: catalogue_old_readers
-- How many transactions keep to what was committed before a moment. To them the new tables are empty.
-- Of sessions of other roles Postgres shows this, but not their state or kind; its own have no role.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
  AND age(backend_xmin) > age(%(since)s::xid)

-- name: catalogue_limit_locks
-- Who waits for a lock holds up those who come later: so a try is short, both for a lock and for all.
SET LOCAL lock_timeout = '200ms';
SET LOCAL statement_timeout = '200ms'

-- name: catalogue_locks
-- Nobody reads a view from here to the end of the transaction, nor the table behind it.
LOCK TABLE {views} IN ACCESS EXCLUSIVE MODE

-- name: catalogue_lift_limit
SET LOCAL statement_timeout = 0

-- name: catalogue_move_table
DROP VIEW IF EXISTS catalogue_next.{table};
ALTER TABLE catalogue_live.{table} SET SCHEMA catalogue_next

-- name: catalogue_swap
COMMENT ON SCHEMA catalogue_next IS {description};
ALTER SCHEMA catalogue_live RENAME TO catalogue_old;
ALTER SCHEMA catalogue_next RENAME TO catalogue_live

-- name: catalogue_show
CREATE OR REPLACE VIEW catalogue.{table} AS SELECT * FROM catalogue_live.{table}

-- name: catalogue_description
SELECT obj_description('catalogue_live'::regnamespace, 'pg_namespace')
