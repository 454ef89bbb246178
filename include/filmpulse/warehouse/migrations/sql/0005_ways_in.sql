-- Files as sources.
SELECT 1;
