-- The rules on analysers are marts now, which `setup` makes anew. The marts of an older database still
-- use the old rules, so those move into their schema and are dropped with it.
CREATE SCHEMA IF NOT EXISTS mart;
DO $$
DECLARE
    rule regprocedure;
BEGIN
    FOR rule IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE (pronamespace::regnamespace::text, proname) IN (
            ('core', 'is_final'), ('core', 'has_finished'), ('core', 'keeps_scores'),
            ('ops', 'is_stale_answer'), ('ops', 'is_due_again'))
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET SCHEMA mart', rule);
    END LOOP;
END
$$;
