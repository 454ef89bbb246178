-- Run by `filmpulse setup` as the owner, after migrating and before grants.sql; repeatable. The reader
-- sees mart, no more.
-- An owner without CREATEROLE finds the reader made already, by the local stack or an administrator.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'filmpulse_reader') THEN
        CREATE ROLE filmpulse_reader NOLOGIN;
    END IF;
    -- Where the database is closed to the public, as the local stack's is.
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO filmpulse_reader', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
REVOKE ALL ON SCHEMA core, ops FROM PUBLIC, filmpulse_reader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
