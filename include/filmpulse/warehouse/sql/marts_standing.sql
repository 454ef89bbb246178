-- Which marts a database holds: the comment of the schema, and the names in it; both null or empty where
-- it was dropped.
SELECT obj_description(to_regnamespace('mart'), 'pg_namespace') AS description,
       array(SELECT relname::text FROM pg_class
             WHERE relnamespace = to_regnamespace('mart') AND relkind IN ('v', 'm')
             UNION
             SELECT proname::text FROM pg_proc
             WHERE pronamespace = to_regnamespace('mart')) AS names
