-- Run where core was lost and ops was not: the checks of a movie go with the movie.
INSERT INTO core.movies (imdb_id, title, facts_as_of)
SELECT DISTINCT imdb_id, imdb_id, timestamptz '0001-01-01 00:00+00' FROM ops.quality_checks;
ALTER TABLE ops.quality_checks ADD CONSTRAINT quality_checks_imdb_id_fkey
    FOREIGN KEY (imdb_id) REFERENCES core.movies ON DELETE CASCADE;
