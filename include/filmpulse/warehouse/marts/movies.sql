CREATE VIEW mart.movies AS
SELECT g.imdb_id, f.title, f.year, g.release_date,
       f.runtime_minutes, f.genres, f.directors, f.cast_names, m.plot, m.poster_url,
       g.site_rating, g.site_votes, g.site_reviews, g.site_as_of, g.reviews,
       g.unrated_reviews, g.mean_stars, g.analysed_reviews, g.scored_reviews, g.mean_overall,
       g.half_interval, g.overall_low, g.overall_high, g.first_review_on, g.last_review_on, g.coverage,
       g.analyser_id, g.analyser_kind, g.analyser_model, g.analyser_version, g.is_enough,
       g.collection_status, g.collection_reason, g.collection_sentence, g.collected_at,
       g.imported_at, g.known_reviews, g.waiting_reviews, g.movie, g.stars_half_interval,
       g.polarisation, g.looked_at, g.analyser, g.analyser_caveat, g.is_enough_stars,
       g.site, g.sources, g.collection_source, f.writers, f.catalogue_facts, f.catalogue_as_of
FROM mart.movie_figures g
JOIN mart.movie_facts f USING (imdb_id)
JOIN core.movies m USING (imdb_id);
COMMENT ON VIEW mart.movies IS 'One row per movie: its facts, the site''s figures, ours, coverage, how the last collection ended, and when a file was last imported.';
COMMENT ON COLUMN mart.movies.title IS 'The original title where known, else the title as the site showed it; the catalogue''s if no page names one.';
-- The other columns mean what they mean in mart.movie_figures.
DO $$
DECLARE
    said record;
BEGIN
    FOR said IN
        SELECT a.attname, d.description FROM pg_attribute a
        JOIN pg_description d ON (d.objoid, d.objsubid) = (a.attrelid, a.attnum)
        WHERE a.attrelid = 'mart.movie_figures'::regclass AND a.attname <> 'title'
    LOOP
        EXECUTE format('COMMENT ON COLUMN mart.movies.%I IS %L', said.attname, said.description);
    END LOOP;
END
$$;
