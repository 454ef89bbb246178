-- Tables as a whole, for backups (`warehouse/tables.py`).

-- name: tables_of_schemas
-- Every table of our schemas with its columns in order; neither columns that Postgres computes nor the
-- table in which migrations note the revision.
SELECT n.nspname AS schema_name, c.relname AS name,
       array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.attgenerated = ''
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind = 'r' AND c.relname <> 'schema_revision'
GROUP BY n.nspname, c.relname
ORDER BY n.nspname, c.relname

-- name: tables_counters
-- Every column that counts by itself, with the last number that it gave; null if it gave none.
SELECT n.nspname AS schema_name, c.relname AS table_name, a.attname::text AS column_name,
       s.last_value
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> ''
JOIN pg_sequences s
  ON format('%%I.%%I', s.schemaname, s.sequencename)
   = pg_get_serial_sequence(format('%%I.%%I', n.nspname, c.relname), a.attname)
WHERE n.nspname = ANY(%(schemas)s)
ORDER BY 1, 2, 3

-- name: tables_keys
-- Keys and indexes: how to drop each, and how to make each again. Their order is that in which they can
-- be made: what is unique, other indexes, and then foreign keys, which need what is unique.
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', k.conrelid::regclass, k.conname) AS drop_it,
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', k.conrelid::regclass, k.conname,
              pg_get_constraintdef(k.oid)) AS make_it,
       CASE k.contype WHEN 'f' THEN 3 ELSE 1 END AS position
FROM pg_constraint k
JOIN pg_namespace n ON n.oid = k.connamespace
WHERE n.nspname = ANY(%(schemas)s) AND k.contype IN ('p', 'u', 'x', 'f')
UNION ALL
SELECT format('DROP INDEX %%I.%%I', n.nspname, i.relname), pg_get_indexdef(x.indexrelid), 2
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE n.nspname = ANY(%(schemas)s)
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid)
ORDER BY 3, 2

-- name: tables_revision
-- The revision of the tables, as Alembic notes it.
SELECT version_num FROM ops.schema_revision

-- name: tables_not_ours
-- What stands in schemas of our names, if no migration of ours made them.
SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s) AND to_regclass('ops.schema_revision') IS NULL
