-- Ways in beside the live site: saved pages and files.

CREATE TABLE ops.file_sources (
    source        text PRIMARY KEY,
    rights_note   text NOT NULL CHECK (rights_note <> ''),
    map           jsonb NOT NULL,
    first_used_at timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL
);
COMMENT ON TABLE ops.file_sources IS 'One row per source whose reviews come from files: on what ground they may be used.';
COMMENT ON COLUMN ops.file_sources.source IS 'The name that the user gave it; core.reviews.source has it too.';
COMMENT ON COLUMN ops.file_sources.rights_note IS 'The user''s own note on the right to use the files, as given last.';
COMMENT ON COLUMN ops.file_sources.map IS 'Which column was which field, as given last.';
COMMENT ON COLUMN ops.file_sources.first_used_at IS 'When a file of it was first imported (UTC).';
COMMENT ON COLUMN ops.file_sources.last_used_at IS 'When a file of it was last imported (UTC).';

COMMENT ON COLUMN core.reviews.source IS 'Where it stands: imdb, or the name of a source of files.';
COMMENT ON COLUMN core.reviews.review_id IS 'The site''s or the file''s own id; row- and a hash where the file has none.';
COMMENT ON COLUMN core.reviews.author_key IS 'Keyed hash of the author''s id or name at the source; names are never stored.';

-- Imports are no collections of the site: they say nothing of how reading it went.
-- Coverage is what we read of all reviews that we know to exist: those the site announces, and those
-- that came from elsewhere. It is unknown while the site has reviews and its count is not known.
CREATE OR REPLACE VIEW mart.movies AS
WITH living AS (
    SELECT imdb_id,
           count(*) AS reviews,
           count(*) FILTER (WHERE source <> 'imdb') AS other_reviews,
           count(*) FILTER (WHERE rating_1_10 IS NULL) AS unrated_reviews,
           avg(rating_1_10)::double precision AS mean_stars,
           count(*) FILTER (WHERE analysis_status IS NOT NULL) AS analysed_reviews,
           count(overall) AS scored_reviews,
           avg(overall)::double precision AS mean_overall,
           mart.half_interval(stddev_samp(overall)::double precision, count(overall))
               AS half_interval,
           mart.interval_end(avg(overall), -1, stddev_samp(overall), count(overall)) AS overall_low,
           mart.interval_end(avg(overall), +1, stddev_samp(overall), count(overall)) AS overall_high,
           min(submitted_on) AS first_review_on,
           max(submitted_on) AS last_review_on
    FROM mart.reviews
    GROUP BY imdb_id
), counted AS (
    SELECT m.imdb_id, coalesce(m.original_title, m.title) AS title, m.year, m.release_date,
           m.runtime_minutes, m.genres, m.directors, m.cast_names, m.plot, m.poster_url,
           s.rating AS site_rating, s.vote_count AS site_votes,
           s.review_count AS site_reviews, s.taken_at AS site_as_of,
           coalesce(l.reviews, 0) AS reviews, coalesce(l.unrated_reviews, 0) AS unrated_reviews,
           l.mean_stars, coalesce(l.analysed_reviews, 0) AS analysed_reviews,
           coalesce(l.scored_reviews, 0) AS scored_reviews, l.mean_overall,
           l.half_interval, l.overall_low, l.overall_high,
           l.first_review_on, l.last_review_on,
           CASE WHEN s.review_count IS NOT NULL OR l.reviews = l.other_reviews
                THEN coalesce(s.review_count, 0) + coalesce(l.other_reviews, 0) END
               AS known_reviews,
           a.analyser_id, a.kind AS analyser_kind, a.model AS analyser_model,
           a.prompt_version AS analyser_version
    FROM core.movies m
    LEFT JOIN living l USING (imdb_id)
    LEFT JOIN core.analysers a ON a.analyser_id = m.active_analyser_id
    LEFT JOIN LATERAL (
        SELECT * FROM core.movie_snapshots s
        WHERE s.imdb_id = m.imdb_id AND s.review_count IS NOT NULL
        ORDER BY s.taken_at DESC LIMIT 1
    ) s ON true
)
SELECT c.imdb_id, c.title, c.year, c.release_date, c.runtime_minutes, c.genres, c.directors,
       c.cast_names, c.plot, c.poster_url, c.site_rating, c.site_votes, c.site_reviews,
       c.site_as_of, c.reviews, c.unrated_reviews, c.mean_stars, c.analysed_reviews,
       c.scored_reviews, c.mean_overall, c.half_interval, c.overall_low, c.overall_high,
       c.first_review_on, c.last_review_on, k.coverage,
       c.analyser_id, c.analyser_kind, c.analyser_model, c.analyser_version,
       mart.is_enough(c.scored_reviews, k.coverage) AS is_enough,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at,
       i.imported_at,
       c.known_reviews
FROM counted c
CROSS JOIN LATERAL (
    SELECT round(c.reviews::numeric / nullif(c.known_reviews, 0), 4) AS coverage
) k
LEFT JOIN LATERAL (
    SELECT * FROM ops.collections o
    WHERE o.imdb_id = c.imdb_id AND o.finished_at IS NOT NULL AND o.mode <> 'import'
    ORDER BY o.finished_at DESC LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT max(i.loaded_at) AS imported_at FROM ops.collections i
    WHERE i.imdb_id = c.imdb_id AND i.mode = 'import'
) i ON true;
COMMENT ON VIEW mart.movies IS 'One row per movie: the site''s figures, ours, coverage, how the last collection of the site ended, and when a file was last imported.';
