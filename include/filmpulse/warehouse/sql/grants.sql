-- Run by the owner, after roles.sql and whenever the marts were made anew; repeatable. Marts that are
-- made before the reader has no one to grant them to.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'filmpulse_reader') THEN
        GRANT USAGE ON SCHEMA mart TO filmpulse_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA mart TO filmpulse_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT SELECT ON TABLES TO filmpulse_reader;
    END IF;
END
$$;
