-- Erasures that people ask for.
SELECT 1;
