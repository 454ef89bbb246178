-- Run by the server's superuser in one database: its owner, and who is granted CONNECT by name,
-- may use it, and nobody but a superuser makes large objects in it. Repeatable.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
