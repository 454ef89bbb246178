-- Checks of what was loaded.
SELECT 1;
