-- Exports read this view, so it holds no fact of the catalogue. A query for one movie reads that
-- movie only.
CREATE VIEW mart.movie_figures AS
SELECT m.imdb_id, coalesce(m.original_title, m.title) AS title, m.year, m.release_date,
       c.site_rating, c.site_votes, c.site_reviews, c.site_as_of, c.reviews,
       l.unrated_reviews, l.mean_stars, l.analysed_reviews, l.scored_reviews, l.mean_overall,
       mart.half_interval(l.sd_overall, l.scored_reviews) AS half_interval,
       mart.interval_end(l.mean_overall::numeric, -1, l.sd_overall::numeric, l.scored_reviews)
           AS overall_low,
       mart.interval_end(l.mean_overall::numeric, +1, l.sd_overall::numeric, l.scored_reviews)
           AS overall_high,
       l.first_review_on, l.last_review_on, c.coverage,
       a.analyser_id, a.kind AS analyser_kind, a.model AS analyser_model,
       a.prompt_version AS analyser_version,
       mart.is_enough(l.scored_reviews, c.coverage) AS is_enough,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at,
       i.imported_at, c.known_reviews,
       l.waiting_reviews, c.movie, l.stars_half_interval, l.polarisation,
       k.checked_at AS looked_at,
       CASE a.kind WHEN 'llm' THEN 'language model ' || a.model
                   WHEN 'lexicon' THEN 'keyless lexicon' ELSE 'nobody yet' END AS analyser,
       CASE a.kind WHEN 'llm'
                       THEN 'A model''s reading: quotes are verified, scores are its judgement.'
                   WHEN 'lexicon' THEN 'A baseline for English, Spanish, French: no sarcasm.'
                   ELSE 'No review has been scored.' END AS analyser_caveat,
       mart.is_enough(l.graded_reviews, c.coverage) AS is_enough_stars,
       c.site, c.sources, o.source AS collection_source
FROM core.movies m
JOIN mart.movie_counts c USING (imdb_id)
JOIN mart.review_figures l USING (imdb_id)
LEFT JOIN LATERAL (
    SELECT max(k.checked_at) AS checked_at FROM ops.movie_checks k WHERE k.imdb_id = m.imdb_id
) k ON true
LEFT JOIN core.analysers a ON a.analyser_id = m.active_analyser_id
LEFT JOIN LATERAL (
    -- A source that went well must not hide one that did not. The index leads from source to source,
    -- since a movie has thousands of collections.
    WITH RECURSIVE last AS (
        (SELECT o.* FROM ops.collections o
         WHERE o.imdb_id = m.imdb_id AND o.finished_at IS NOT NULL AND o.mode <> 'import'
         ORDER BY o.source, o.finished_at DESC LIMIT 1)
        UNION ALL
        SELECT o.* FROM last CROSS JOIN LATERAL (
            SELECT * FROM ops.collections o
            WHERE o.imdb_id = m.imdb_id AND o.source > last.source AND o.finished_at IS NOT NULL
              AND o.mode <> 'import'
            ORDER BY o.source, o.finished_at DESC LIMIT 1
        ) o
    )
    SELECT * FROM last ORDER BY mart.ended_well(status, mode), finished_at DESC LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT max(i.loaded_at) AS imported_at FROM ops.collections i
    WHERE i.imdb_id = m.imdb_id AND i.mode = 'import'
) i ON true;
COMMENT ON VIEW mart.movie_figures IS 'One row per movie as its pages and reviews have it: the site''s figures, ours, coverage, how the last collection ended, and when a file was last imported.';
COMMENT ON COLUMN mart.movie_figures.title IS 'The original title where known, else the title as the site showed it.';
COMMENT ON COLUMN mart.movie_figures.unrated_reviews IS 'Of these, how many have no stars.';
COMMENT ON COLUMN mart.movie_figures.analysed_reviews IS 'Reviews that the active analyser has finished with, scored or not.';
COMMENT ON COLUMN mart.movie_figures.scored_reviews IS 'Reviews with an overall score: the n of mean_overall.';
COMMENT ON COLUMN mart.movie_figures.overall_low IS 'Lower end of that interval, on the scale.';
COMMENT ON COLUMN mart.movie_figures.overall_high IS 'Upper end of that interval, on the scale.';
COMMENT ON COLUMN mart.movie_figures.analyser_id IS 'Whose scores these are; null before the first.';
COMMENT ON COLUMN mart.movie_figures.analyser_kind IS 'lexicon or llm.';
COMMENT ON COLUMN mart.movie_figures.analyser_model IS 'The model''s name; null for the lexicon.';
COMMENT ON COLUMN mart.movie_figures.analyser_version IS 'Version of the prompt, or of the lexicon.';
COMMENT ON COLUMN mart.movie_figures.is_enough IS '30 scored reviews and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.movie_figures.imported_at IS 'When a file or saved page was last loaded (UTC).';
COMMENT ON COLUMN mart.movie_figures.analyser IS 'Who reads the reviews, in words.';
COMMENT ON COLUMN mart.movie_figures.analyser_caveat IS 'What that reader cannot do.';
