-- Whom the settings named, so that a movie that still shows another analyser is told (docs/adr/0023).
ALTER TABLE core.movies ADD COLUMN configured_analyser_id integer REFERENCES core.analysers;
COMMENT ON COLUMN core.movies.configured_analyser_id IS 'Whom the settings named when the movie was last scored; null before the first time.';
