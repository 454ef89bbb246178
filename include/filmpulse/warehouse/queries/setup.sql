-- Roles, their rights, and the state of the marts.

-- name: roles
-- `filmpulse setup` runs this as the owner, after migrating and before `grants`; repeatable. The reader
-- sees mart alone. For an owner without CREATEROLE, the local stack or an administrator has made it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'filmpulse_reader') THEN
        CREATE ROLE filmpulse_reader NOLOGIN;
    END IF;
    -- Needed if the database is closed to the public, as that of the local stack is.
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO filmpulse_reader', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
REVOKE ALL ON SCHEMA core, ops, catalogue, catalogue_live FROM PUBLIC, filmpulse_reader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- name: grants
-- Run by the owner, after `roles` and whenever the marts were made anew; repeatable. If the marts are
-- made before the reader, there is nobody to grant them to.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'filmpulse_reader') THEN
        GRANT USAGE ON SCHEMA mart TO filmpulse_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA mart TO filmpulse_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT SELECT ON TABLES TO filmpulse_reader;
    END IF;
END
$$;

-- name: memberships
-- Which roles a role is a member of, and who granted each membership.
SELECT g.rolname, by.rolname
FROM pg_auth_members m
JOIN pg_roles g ON g.oid = m.roleid
JOIN pg_roles r ON r.oid = m.member
JOIN pg_roles by ON by.oid = m.grantor
WHERE r.rolname = %(member)s;

-- name: marts_standing
-- Which marts a database holds: the comment of the schema, and the names in it; null and empty if the
-- schema was dropped.
SELECT obj_description(to_regnamespace('mart'), 'pg_namespace') AS description,
       array(SELECT relname::text FROM pg_class
             WHERE relnamespace = to_regnamespace('mart') AND relkind IN ('v', 'm')
             UNION
             SELECT proname::text FROM pg_proc
             WHERE pronamespace = to_regnamespace('mart')) AS names

-- name: marts_shared_comments
-- Columns of the new marts without a comment of their own, each with the comment that views share,
-- or else with that of the table with the view's name.
SELECT c.relname, a.attname, coalesce(shared.value, col_description(t.oid, b.attnum))
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_class t ON t.relname = c.relname AND t.relkind = 'r'
                    AND t.relnamespace IN ('core'::regnamespace, 'ops'::regnamespace)
LEFT JOIN pg_attribute b ON b.attrelid = t.oid AND b.attname = a.attname
LEFT JOIN jsonb_each_text(%(shared)s) shared ON shared.key = a.attname
WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('v', 'm')
  AND col_description(c.oid, a.attnum) IS NULL
