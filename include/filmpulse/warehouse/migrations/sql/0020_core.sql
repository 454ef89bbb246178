-- What the keyless analyser learns of a movie (docs/adr/0041).
CREATE TABLE core.calibrations (
    imdb_id       text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    analyser_id   integer NOT NULL REFERENCES core.analysers,
    names         text[] NOT NULL,
    cuts          double precision[] CHECK (cardinality(cuts) = 4),
    cuts_from     text CHECK (cuts_from IN ('movie', 'warehouse', 'fixed')),
    rated_reviews integer CHECK (rated_reviews >= 0),
    texts         integer CHECK (texts >= 0),
    changed_texts integer CHECK (changed_texts >= 0),
    run_id        text,
    calibrated_at timestamptz,
    PRIMARY KEY (imdb_id, analyser_id),
    CHECK (num_nulls(cuts, cuts_from, rated_reviews, texts, changed_texts, calibrated_at) IN (0, 6))
);
COMMENT ON TABLE core.calibrations IS 'What an analyser learned of a movie from all of its reviews.';
COMMENT ON COLUMN core.calibrations.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.calibrations.analyser_id IS 'Who learned it.';
COMMENT ON COLUMN core.calibrations.names IS 'People who act in the movie, as its reviews name them; besides core.movies.cast_names.';
COMMENT ON COLUMN core.calibrations.cuts IS 'The lowest valences of the overall scores -1, 0, 1 and 2; null until the first time.';
COMMENT ON COLUMN core.calibrations.cuts_from IS 'Whose grades say where the cuts lie: those of the movie, of the warehouse (all movies), or nobody''s (fixed).';
COMMENT ON COLUMN core.calibrations.rated_reviews IS 'How many graded reviews the cuts were learned from; how many there are in all movies if the cuts are fixed.';
COMMENT ON COLUMN core.calibrations.texts IS 'Current reviews with a text that the movie had then.';
COMMENT ON COLUMN core.calibrations.changed_texts IS 'How many texts of the movie show a new overall score since then: by other cuts than before, or by a lexicon that is shown since then and had read them in an earlier run.';
COMMENT ON COLUMN core.calibrations.run_id IS 'The run that learned the cuts; null if it had no name.';
COMMENT ON COLUMN core.calibrations.calibrated_at IS 'When the cuts were learned (UTC); null before.';

ALTER TABLE core.review_analyses ADD COLUMN valence double precision
    CHECK (valence > '-Infinity' AND valence < 'Infinity');
COMMENT ON COLUMN core.review_analyses.valence IS 'The whole before it is cut into the steps of overall; higher is kinder; null from analysers that answer in steps, and of texts that judge nothing.';
