-- The analyser that the settings named, to report movies that still show another one (docs/adr/0023).
ALTER TABLE core.movies ADD COLUMN configured_analyser_id integer REFERENCES core.analysers;
COMMENT ON COLUMN core.movies.configured_analyser_id IS 'Whom the settings named when the movie was last scored; null before the first time.';
