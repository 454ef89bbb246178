-- What the dashboards read (docs/adr/0027). A page on one movie reads views over that movie's rows,
-- which one index finds; a comparison of all movies reads materialised views, which every job that
-- changes a movie's reviews or scores refreshes at its end.

-- ---------------------------------------------------------------- what happened around a movie
CREATE TABLE core.movie_events (
    imdb_id     text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    happened_on date NOT NULL,
    label       text NOT NULL CHECK (length(label) BETWEEN 1 AND 80),
    PRIMARY KEY (imdb_id, happened_on, label)
);
COMMENT ON TABLE core.movie_events IS 'What people noted about a movie''s life, such as a festival or a new cut; its release stands in core.movies.';
COMMENT ON COLUMN core.movie_events.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.movie_events.happened_on IS 'The day.';
COMMENT ON COLUMN core.movie_events.label IS 'What happened, in a few words.';

-- ------------------------------------------------------------------------- requests by the hour
CREATE TABLE ops.host_hours (
    host     text NOT NULL,
    hour     timestamptz NOT NULL,
    requests integer NOT NULL DEFAULT 0,
    pauses   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (host, hour)
);
COMMENT ON TABLE ops.host_hours IS 'How much was asked of each host, by the hour.';
COMMENT ON COLUMN ops.host_hours.host IS 'Host and port.';
COMMENT ON COLUMN ops.host_hours.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN ops.host_hours.requests IS 'Pages and files asked for.';
COMMENT ON COLUMN ops.host_hours.pauses IS 'Times that it refused, which paused it.';

-- -------------------------------------------------------------------------- a movie's aspect scores
ALTER TABLE core.aspect_scores ADD COLUMN imdb_id text;
UPDATE core.aspect_scores s SET imdb_id = a.imdb_id
FROM core.review_analyses a
WHERE (a.source, a.review_id, a.content_hash, a.analyser_id)
    = (s.source, s.review_id, s.content_hash, s.analyser_id);
ALTER TABLE core.aspect_scores ALTER COLUMN imdb_id SET NOT NULL;
CREATE INDEX aspect_scores_by_movie ON core.aspect_scores (imdb_id, analyser_id);
COMMENT ON COLUMN core.aspect_scores.imdb_id IS 'The movie, so that a movie''s aspects are found by one index.';

-- --------------------------------------------------------------------------------- small helpers
-- Names of the languages that are met most; others keep their code.
CREATE FUNCTION mart.language_name(code text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE code
        WHEN 'ar' THEN 'Arabic' WHEN 'bg' THEN 'Bulgarian' WHEN 'bn' THEN 'Bengali'
        WHEN 'ca' THEN 'Catalan' WHEN 'cs' THEN 'Czech' WHEN 'da' THEN 'Danish'
        WHEN 'de' THEN 'German' WHEN 'el' THEN 'Greek' WHEN 'en' THEN 'English'
        WHEN 'es' THEN 'Spanish' WHEN 'et' THEN 'Estonian' WHEN 'fa' THEN 'Persian'
        WHEN 'fi' THEN 'Finnish' WHEN 'fr' THEN 'French' WHEN 'he' THEN 'Hebrew'
        WHEN 'hi' THEN 'Hindi' WHEN 'hr' THEN 'Croatian' WHEN 'hu' THEN 'Hungarian'
        WHEN 'id' THEN 'Indonesian' WHEN 'it' THEN 'Italian' WHEN 'ja' THEN 'Japanese'
        WHEN 'ko' THEN 'Korean' WHEN 'lt' THEN 'Lithuanian' WHEN 'lv' THEN 'Latvian'
        WHEN 'ml' THEN 'Malayalam' WHEN 'ms' THEN 'Malay' WHEN 'nl' THEN 'Dutch'
        WHEN 'no' THEN 'Norwegian' WHEN 'pl' THEN 'Polish' WHEN 'pt' THEN 'Portuguese'
        WHEN 'ro' THEN 'Romanian' WHEN 'ru' THEN 'Russian' WHEN 'sk' THEN 'Slovak'
        WHEN 'sl' THEN 'Slovenian' WHEN 'sr' THEN 'Serbian' WHEN 'sv' THEN 'Swedish'
        WHEN 'ta' THEN 'Tamil' WHEN 'te' THEN 'Telugu' WHEN 'th' THEN 'Thai'
        WHEN 'tr' THEN 'Turkish' WHEN 'uk' THEN 'Ukrainian' WHEN 'vi' THEN 'Vietnamese'
        WHEN 'zh' THEN 'Chinese'
        ELSE coalesce(code, 'not known') END;
COMMENT ON FUNCTION mart.language_name IS 'The English name of a language by its ISO 639-1 code.';

-- What a page shows of a text that came from a site or a person.
CREATE FUNCTION mart.as_html(said text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(replace(replace(replace(replace(said, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'),
                           '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION mart.as_html IS 'A text with everything escaped that HTML would read as markup.';

CREATE FUNCTION mart.time_ago(past timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN past IS NULL THEN 'never'
        WHEN now() - past < interval '2 minutes' THEN 'just now'
        WHEN now() - past < interval '2 hours'
            THEN floor(extract(epoch FROM now() - past) / 60)::text || ' minutes ago'
        WHEN now() - past < interval '2 days'
            THEN floor(extract(epoch FROM now() - past) / 3600)::text || ' hours ago'
        ELSE floor(extract(epoch FROM now() - past) / 86400)::text || ' days ago' END;
COMMENT ON FUNCTION mart.time_ago IS 'How long ago something was, in words.';

CREATE FUNCTION mart.grade_band(rating_1_10 smallint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN rating_1_10 IS NULL THEN 'no grade' WHEN rating_1_10 <= 2 THEN '1–2'
                WHEN rating_1_10 <= 4 THEN '3–4' WHEN rating_1_10 <= 6 THEN '5–6'
                WHEN rating_1_10 <= 8 THEN '7–8' ELSE '9–10' END;
COMMENT ON FUNCTION mart.grade_band IS 'The band of two stars that a grade falls into.';

CREATE FUNCTION mart.score_label(score smallint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE score WHEN -2 THEN 'very negative' WHEN -1 THEN 'negative' WHEN 0 THEN 'mixed'
                      WHEN 1 THEN 'positive' WHEN 2 THEN 'very positive' END;
COMMENT ON FUNCTION mart.score_label IS 'A score from -2 to 2 in words.';

-- A difference of two means rests on both: ten of each at least, and together on enough.
CREATE FUNCTION mart.is_enough_difference(n1 bigint, n2 bigint, coverage numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN mart.is_enough(n1 + n2, coverage) AND least(n1, n2) >= 10;
COMMENT ON FUNCTION mart.is_enough_difference IS 'Whether the difference of two means rests on enough to be compared.';

-- ------------------------------------------------------------------------------ one movie, its rows
CREATE VIEW mart.movie_names AS
SELECT imdb_id, label || CASE WHEN count(*) OVER (PARTITION BY label) > 1
                              THEN ' ' || imdb_id ELSE '' END AS movie
FROM (
    SELECT imdb_id, coalesce(original_title, title) || coalesce(' (' || year || ')', '') AS label
    FROM core.movies
) m;
COMMENT ON VIEW mart.movie_names IS 'One row per movie: what it is called wherever one is chosen.';
COMMENT ON COLUMN mart.movie_names.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.movie_names.movie IS 'Title and year; with the id where two movies share both.';

-- The analyses are joined by movie too, so that one movie's are found by one index.
CREATE OR REPLACE VIEW mart.reviews AS
SELECT r.source, r.review_id, r.imdb_id, r.title, r.body, r.rating_1_10, r.submitted_on,
       r.is_spoiler, r.helpful_up, r.helpful_down, r.language, r.first_seen_at,
       r.content_hash,
       a.status AS analysis_status, a.overall, m.active_analyser_id AS analyser_id,
       a.overall_quote,
       n.movie, mart.language_name(r.language) AS language_name,
       mart.grade_band(r.rating_1_10) AS grade_band,
       r.submitted_on - m.release_date AS days_since_release
FROM core.reviews r
JOIN core.movies m USING (imdb_id)
JOIN mart.movie_names n USING (imdb_id)
LEFT JOIN core.review_analyses a
       ON (a.imdb_id, a.source, a.review_id, a.content_hash, a.analyser_id)
        = (r.imdb_id, r.source, r.review_id, r.content_hash, m.active_analyser_id)
WHERE r.removed_at IS NULL;
COMMENT ON COLUMN mart.reviews.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.reviews.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.reviews.grade_band IS 'Stars in bands of two, or "no grade".';
COMMENT ON COLUMN mart.reviews.days_since_release IS 'Days from the movie''s release to the review; below 0 before it.';

CREATE OR REPLACE VIEW mart.aspect_scores AS
SELECT r.source, r.review_id, r.imdb_id, r.submitted_on, r.is_spoiler, r.rating_1_10, r.overall,
       r.analyser_id, s.aspect, s.score, s.quote, s.quote_start,
       r.movie, r.language, r.language_name, r.helpful_up
FROM mart.reviews r
JOIN core.aspect_scores s USING (source, review_id, content_hash, analyser_id, imdb_id);
COMMENT ON COLUMN mart.aspect_scores.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.aspect_scores.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN mart.aspect_scores.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.aspect_scores.helpful_up IS 'Readers who found the review helpful.';

-- One movie's living reviews are counted by an index, and charted by another, without their words.
CREATE INDEX reviews_living ON core.reviews (imdb_id, source) WHERE removed_at IS NULL;
CREATE INDEX reviews_charted ON core.reviews (imdb_id)
    INCLUDE (source, review_id, content_hash, rating_1_10, submitted_on, is_spoiler, language)
    WHERE removed_at IS NULL;
CREATE INDEX collections_ended ON ops.collections (imdb_id, finished_at DESC)
    WHERE finished_at IS NOT NULL;
CREATE INDEX collections_imported ON ops.collections (imdb_id, loaded_at) WHERE mode = 'import';

CREATE VIEW mart.movie_counts AS
SELECT n.imdb_id, n.movie, l.reviews, k.known_reviews,
       round(l.reviews::numeric / nullif(k.known_reviews, 0), 4) AS coverage,
       s.rating AS site_rating, s.vote_count AS site_votes, s.review_count AS site_reviews,
       s.taken_at AS site_as_of
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews, count(*) FILTER (WHERE r.source <> 'imdb') AS other_reviews
    FROM core.reviews r
    WHERE r.imdb_id = n.imdb_id AND r.removed_at IS NULL
) l
LEFT JOIN LATERAL (
    SELECT * FROM core.movie_snapshots s
    WHERE s.imdb_id = n.imdb_id AND s.review_count IS NOT NULL
    ORDER BY s.taken_at DESC LIMIT 1
) s ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.review_count IS NOT NULL OR (l.reviews > 0 AND l.reviews = l.other_reviews)
                THEN coalesce(s.review_count, 0) + l.other_reviews END AS known_reviews
) k;
COMMENT ON VIEW mart.movie_counts IS 'One row per movie: how many reviews we hold, of how many.';
COMMENT ON COLUMN mart.movie_counts.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.movie_counts.movie IS 'Title and year.';
COMMENT ON COLUMN mart.movie_counts.reviews IS 'Living reviews that we hold, of all sources.';
COMMENT ON COLUMN mart.movie_counts.known_reviews IS 'Reviews that we know to exist: the site''s count, and those of other sources; null while the site''s count is unknown.';
COMMENT ON COLUMN mart.movie_counts.coverage IS 'reviews over known_reviews; null when that is unknown.';
COMMENT ON COLUMN mart.movie_counts.site_rating IS 'The site''s own mean rating, 1 to 10.';
COMMENT ON COLUMN mart.movie_counts.site_votes IS 'Votes behind that rating.';
COMMENT ON COLUMN mart.movie_counts.site_reviews IS 'Reviews that the site says it has.';
COMMENT ON COLUMN mart.movie_counts.site_as_of IS 'When the site said so (UTC).';

-- As before, but each movie's figures are counted by itself: asked for one, it reads one.
CREATE OR REPLACE VIEW mart.movies AS
SELECT m.imdb_id, coalesce(m.original_title, m.title) AS title, m.year, m.release_date,
       m.runtime_minutes, m.genres, m.directors, m.cast_names, m.plot, m.poster_url,
       c.site_rating, c.site_votes, c.site_reviews, c.site_as_of, c.reviews,
       l.unrated_reviews, l.mean_stars, l.analysed_reviews, l.scored_reviews, l.mean_overall,
       mart.half_interval(l.sd_overall::double precision, l.scored_reviews) AS half_interval,
       mart.interval_end(l.mean_overall::numeric, -1, l.sd_overall, l.scored_reviews)
           AS overall_low,
       mart.interval_end(l.mean_overall::numeric, +1, l.sd_overall, l.scored_reviews)
           AS overall_high,
       l.first_review_on, l.last_review_on, c.coverage,
       a.analyser_id, a.kind AS analyser_kind, a.model AS analyser_model,
       a.prompt_version AS analyser_version,
       mart.is_enough(l.scored_reviews, c.coverage) AS is_enough,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at,
       i.imported_at, c.known_reviews,
       c.reviews - l.analysed_reviews AS waiting_reviews,
       c.movie,
       mart.half_interval(l.sd_stars::double precision, c.reviews - l.unrated_reviews)
           AS stars_half_interval,
       l.sd_population / 2 AS polarisation,
       k.checked_at AS looked_at,
       CASE a.kind WHEN 'llm' THEN 'language model ' || a.model
                   WHEN 'lexicon' THEN 'keyless lexicon' ELSE 'nobody yet' END AS analyser,
       CASE a.kind WHEN 'llm'
                       THEN 'A model''s reading: quotes are verified, scores are its judgement.'
                   WHEN 'lexicon' THEN 'A baseline for English: no sarcasm, no other language.'
                   ELSE 'No review has been scored.' END AS analyser_caveat,
       mart.is_enough(c.reviews - l.unrated_reviews, c.coverage) AS is_enough_stars
FROM core.movies m
JOIN mart.movie_counts c USING (imdb_id)
LEFT JOIN ops.movie_checks k USING (imdb_id)
LEFT JOIN core.analysers a ON a.analyser_id = m.active_analyser_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.rating_1_10 IS NULL) AS unrated_reviews,
           avg(r.rating_1_10)::double precision AS mean_stars,
           stddev_samp(r.rating_1_10) AS sd_stars,
           count(*) FILTER (WHERE r.analysis_status NOT IN ('failed', 'over_budget'))
               AS analysed_reviews,
           count(r.overall) AS scored_reviews,
           avg(r.overall)::double precision AS mean_overall,
           stddev_samp(r.overall) AS sd_overall,
           stddev_pop(r.overall)::double precision AS sd_population,
           min(r.submitted_on) AS first_review_on,
           max(r.submitted_on) AS last_review_on
    FROM mart.reviews r
    WHERE r.imdb_id = m.imdb_id
) l
LEFT JOIN LATERAL (
    SELECT * FROM ops.collections o
    WHERE o.imdb_id = m.imdb_id AND o.finished_at IS NOT NULL AND o.mode <> 'import'
    ORDER BY o.finished_at DESC LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT max(i.loaded_at) AS imported_at FROM ops.collections i
    WHERE i.imdb_id = m.imdb_id AND i.mode = 'import'
) i ON true;
COMMENT ON COLUMN mart.movies.movie IS 'Title and year.';
COMMENT ON COLUMN mart.movies.stars_half_interval IS 'Half the width of the 95 % interval of mean_stars; null below two.';
COMMENT ON COLUMN mart.movies.polarisation IS 'How far the overall scores lie apart: 0 all agree, 1 half say -2 and half say 2 (their standard deviation over 2).';
COMMENT ON COLUMN mart.movies.is_enough_stars IS '30 reviews with stars and 20 % coverage: below, the mean of the stars is grey and never ranked.';
COMMENT ON COLUMN mart.movies.looked_at IS 'When the detector last looked (UTC).';
COMMENT ON COLUMN mart.movies.analyser IS 'Who reads the reviews, in words.';
COMMENT ON COLUMN mart.movies.analyser_caveat IS 'What that reader cannot do.';

-- Movie by movie, since the planner cannot know how many rows of all movies fit each other. The
-- coverage is taken along within, so that it is counted before the opinions are read, not for each.
CREATE VIEW mart.opinions AS
SELECT o.source, o.review_id, c.imdb_id, c.movie, o.submitted_on, o.language,
       mart.language_name(o.language) AS language_name, o.is_spoiler, o.rating_1_10,
       m.active_analyser_id AS analyser_id, o.coverage, o.position, o.aspect, o.score,
       mart.score_label(o.score) AS score_label, o.quote
FROM mart.movie_counts c
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT r.source, r.review_id, r.submitted_on, r.language, r.is_spoiler, r.rating_1_10,
           c.coverage, 0 AS position, 'Overall' AS aspect, a.overall AS score,
           a.overall_quote AS quote
    FROM core.reviews r
    JOIN core.review_analyses a USING (source, review_id, content_hash)
    WHERE r.imdb_id = c.imdb_id AND r.removed_at IS NULL
      AND (a.imdb_id, a.analyser_id) = (c.imdb_id, m.active_analyser_id) AND a.overall IS NOT NULL
    UNION ALL
    SELECT r.source, r.review_id, r.submitted_on, r.language, r.is_spoiler, r.rating_1_10,
           c.coverage,
           array_position(ARRAY['storytelling', 'acting', 'visuals', 'sound', 'themes'], a.aspect),
           initcap(a.aspect), a.score, a.quote
    FROM core.reviews r
    JOIN core.aspect_scores a USING (source, review_id, content_hash)
    WHERE r.imdb_id = c.imdb_id AND r.removed_at IS NULL
      AND (a.imdb_id, a.analyser_id) = (c.imdb_id, m.active_analyser_id)
) o;
COMMENT ON VIEW mart.opinions IS 'One row per opinion of a living, scored review: one on the whole, and one on each aspect that it mentions.';
COMMENT ON COLUMN mart.opinions.source IS 'Where the review stands.';
COMMENT ON COLUMN mart.opinions.review_id IS 'The site''s own id.';
COMMENT ON COLUMN mart.opinions.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.opinions.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.opinions.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN mart.opinions.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN mart.opinions.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.opinions.is_spoiler IS 'The review is marked as a spoiler; do not show its quote unasked.';
COMMENT ON COLUMN mart.opinions.rating_1_10 IS 'Stars of the review; null when none were given.';
COMMENT ON COLUMN mart.opinions.analyser_id IS 'Who read it: the movie''s active analyser.';
COMMENT ON COLUMN mart.opinions.coverage IS 'Coverage of the movie: with the count it says whether a mean is enough to be compared.';
COMMENT ON COLUMN mart.opinions.position IS '0 for the whole, 1 to 5 for the aspects in their order.';
COMMENT ON COLUMN mart.opinions.aspect IS 'Overall, Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.opinions.score IS '-2 very negative to 2 very positive.';
COMMENT ON COLUMN mart.opinions.score_label IS 'The score in words.';
COMMENT ON COLUMN mart.opinions.quote IS 'An exact piece of the text; null when none could be verified.';

-- First what nobody has said before, and what no other aspect shares; then the strongest, of a
-- readable length, of the review that readers found most helpful. Asked for praise or for faults
-- alone, only those are sorted: every window but the innermost is divided by is_praise.
CREATE VIEW mart.best_quotes AS
SELECT n.imdb_id, n.movie, q.source, q.review_id, q.submitted_on, q.language,
       mart.language_name(q.language) AS language_name, q.rating_1_10, initcap(q.aspect) AS aspect,
       q.score, mart.score_label(q.score) AS score_label, q.is_praise, q.quote, q.helpful_up,
       q.place
FROM mart.movie_names n
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT s.*,
           row_number() OVER (
               PARTITION BY s.aspect, s.is_praise
               ORDER BY s.telling, s.shared_by, abs(s.score) DESC,
                        length(s.quote) NOT BETWEEN 30 AND 160, s.helpful_up DESC,
                        s.source COLLATE "C", s.review_id COLLATE "C") AS place
    FROM (
        SELECT p.*,
               row_number() OVER (
                   PARTITION BY p.aspect, p.is_praise, p.quote COLLATE "C"
                   ORDER BY p.shared_by, abs(p.score) DESC, p.helpful_up DESC,
                            p.source COLLATE "C", p.review_id COLLATE "C") AS telling
        FROM (
            SELECT r.source, r.review_id, r.submitted_on, r.language, r.rating_1_10,
                   coalesce(r.helpful_up, 0) AS helpful_up, a.aspect COLLATE "C" AS aspect,
                   a.score, a.score > 0 AS is_praise, a.quote,
                   count(*) OVER (PARTITION BY r.source COLLATE "C", r.review_id COLLATE "C",
                                               a.quote_start) AS shared_by
            FROM core.reviews r
            JOIN core.aspect_scores a USING (source, review_id, content_hash)
            WHERE r.imdb_id = m.imdb_id AND r.removed_at IS NULL AND NOT r.is_spoiler
              AND (a.imdb_id, a.analyser_id) = (m.imdb_id, m.active_analyser_id)
              AND a.quote IS NOT NULL AND a.score <> 0
        ) p
    ) s
) q;
COMMENT ON VIEW mart.best_quotes IS 'One row per quote that praises or faults an aspect, best first; never of a spoiler.';
COMMENT ON COLUMN mart.best_quotes.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.best_quotes.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.best_quotes.source IS 'Where the review stands.';
COMMENT ON COLUMN mart.best_quotes.review_id IS 'The site''s own id.';
COMMENT ON COLUMN mart.best_quotes.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN mart.best_quotes.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN mart.best_quotes.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.best_quotes.rating_1_10 IS 'Stars of the review; null when none were given.';
COMMENT ON COLUMN mart.best_quotes.aspect IS 'Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.best_quotes.score IS '-2 very negative to 2 very positive, never 0.';
COMMENT ON COLUMN mart.best_quotes.score_label IS 'The score in words.';
COMMENT ON COLUMN mart.best_quotes.is_praise IS 'Whether the score is above 0.';
COMMENT ON COLUMN mart.best_quotes.quote IS 'An exact piece of the review.';
COMMENT ON COLUMN mart.best_quotes.helpful_up IS 'Readers who found the review helpful.';
COMMENT ON COLUMN mart.best_quotes.place IS 'Its place among the quotes that praise, or fault, this aspect of the movie: 1 is the best.';

CREATE VIEW mart.movie_events AS
SELECT n.imdb_id, n.movie, e.happened_on, e.label
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT m.release_date AS happened_on, 'Release' AS label FROM core.movies m
    WHERE m.imdb_id = n.imdb_id AND m.release_date IS NOT NULL
    UNION
    SELECT e.happened_on, e.label FROM core.movie_events e WHERE e.imdb_id = n.imdb_id
) e;
COMMENT ON VIEW mart.movie_events IS 'One row per day in the movie''s life: its release, and what people noted.';
COMMENT ON COLUMN mart.movie_events.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.movie_events.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.movie_events.happened_on IS 'The day.';
COMMENT ON COLUMN mart.movie_events.label IS 'What happened.';

-- Everything that has a place on a movie's time axis; what happened long before its first review would
-- only stretch it. Events and the site's figures stand there once
-- for each language of the movie (one not known where it has no review), so that choosing a language
-- leaves them in.
CREATE VIEW mart.timeline AS
SELECT c.imdb_id, c.movie, r.submitted_on AS day, r.language_name, 'review' AS kind,
       r.source, r.review_id, r.grade_band, r.rating_1_10, r.overall,
       NULL::numeric AS site_rating, c.site_rating AS site_rating_now, NULL::text AS event
FROM mart.movie_counts c
CROSS JOIN LATERAL (
    SELECT r.submitted_on, mart.language_name(r.language) AS language_name, r.source, r.review_id,
           mart.grade_band(r.rating_1_10) AS grade_band, r.rating_1_10, a.overall
    FROM core.movies m
    JOIN core.reviews r USING (imdb_id)
    LEFT JOIN core.review_analyses a
           ON (a.source, a.review_id, a.content_hash) = (r.source, r.review_id, r.content_hash)
          AND a.imdb_id = m.imdb_id AND a.analyser_id = m.active_analyser_id
    WHERE m.imdb_id = c.imdb_id AND r.removed_at IS NULL AND r.submitted_on IS NOT NULL
    OFFSET 0
) r
UNION ALL
SELECT n.imdb_id, n.movie, o.day, mart.language_name(g.language), o.kind,
       NULL, NULL, NULL, NULL, NULL, o.site_rating, NULL, o.event
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT e.happened_on AS day, 'event' AS kind, NULL::numeric AS site_rating, e.label AS event
    FROM mart.movie_events e
    WHERE e.imdb_id = n.imdb_id AND e.happened_on >= coalesce((
        SELECT min(r.submitted_on) - 90 FROM core.reviews r
        WHERE r.imdb_id = n.imdb_id AND r.removed_at IS NULL), '-infinity')
    UNION ALL
    -- The last look of each day, found by the key: most looks of a day say the same.
    SELECT d.day, 'site', s.rating, NULL
    FROM (
        SELECT (min(taken_at) AT TIME ZONE 'UTC')::date AS first,
               (max(taken_at) AT TIME ZONE 'UTC')::date AS last
        FROM core.movie_snapshots s WHERE s.imdb_id = n.imdb_id
    ) looks
    CROSS JOIN LATERAL (
        SELECT looks.first + after AS day FROM generate_series(0, looks.last - looks.first) after
    ) d
    CROSS JOIN LATERAL (
        SELECT s.rating FROM core.movie_snapshots s
        WHERE s.imdb_id = n.imdb_id AND s.rating IS NOT NULL
          AND s.taken_at >= d.day::timestamp AT TIME ZONE 'UTC'
          AND s.taken_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
        ORDER BY s.taken_at DESC LIMIT 1
    ) s
) o
CROSS JOIN LATERAL (
    SELECT DISTINCT r.language
    FROM (VALUES (n.imdb_id)) AS of (imdb_id)
    LEFT JOIN core.reviews r ON r.imdb_id = of.imdb_id AND r.removed_at IS NULL
) g;
COMMENT ON VIEW mart.timeline IS 'One row per living review with a day, and one per event and per day on which the site was looked at for each language of the movie''s reviews.';
COMMENT ON COLUMN mart.timeline.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.timeline.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.timeline.day IS 'When it was: the review''s day, the event''s day, the day of the look (UTC).';
COMMENT ON COLUMN mart.timeline.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.timeline.kind IS 'review, event, or site (a look at the site''s own figures).';
COMMENT ON COLUMN mart.timeline.source IS 'Where the review stands; null for the others.';
COMMENT ON COLUMN mart.timeline.review_id IS 'The site''s own id; null for the others.';
COMMENT ON COLUMN mart.timeline.grade_band IS 'Stars of the review in bands of two, or "no grade"; null for the others.';
COMMENT ON COLUMN mart.timeline.rating_1_10 IS 'Stars of the review; null for the others.';
COMMENT ON COLUMN mart.timeline.overall IS 'The whole review, -2 to 2; null for the others, and when not scored.';
COMMENT ON COLUMN mart.timeline.site_rating IS 'The site''s own mean rating as last seen on that day; null for the others.';
COMMENT ON COLUMN mart.timeline.site_rating_now IS 'With a review: the site''s own mean rating as last seen.';
COMMENT ON COLUMN mart.timeline.event IS 'What happened; null for the others.';

CREATE VIEW mart.movie_series AS
SELECT n.imdb_id, n.movie, q.grain, q.starts_on,
       q.starts_on - m.release_date AS days_since_release,
       q.reviews, q.graded_reviews, q.mean_stars,
       mart.half_interval(q.sd_stars::double precision, q.graded_reviews) AS stars_half_interval,
       q.scored_reviews, q.mean_overall,
       mart.half_interval(q.sd_overall::double precision, q.scored_reviews) AS overall_half_interval,
       q.reviews_so_far, q.graded_so_far,
       q.stars_so_far::double precision / nullif(q.graded_so_far, 0) AS mean_stars_so_far
FROM mart.movie_names n
JOIN core.movies m USING (imdb_id)
CROSS JOIN LATERAL (
    SELECT g.grain, date_trunc(g.grain, r.submitted_on)::date AS starts_on,
           count(*) AS reviews,
           count(r.rating_1_10) AS graded_reviews,
           avg(r.rating_1_10)::double precision AS mean_stars,
           stddev_samp(r.rating_1_10) AS sd_stars,
           count(r.overall) AS scored_reviews,
           avg(r.overall)::double precision AS mean_overall,
           stddev_samp(r.overall) AS sd_overall,
           sum(count(*)) OVER so_far AS reviews_so_far,
           sum(count(r.rating_1_10)) OVER so_far AS graded_so_far,
           sum(sum(r.rating_1_10)) OVER so_far AS stars_so_far
    FROM mart.reviews r
    CROSS JOIN (VALUES ('day'), ('week')) AS g (grain)
    WHERE r.imdb_id = n.imdb_id AND r.submitted_on IS NOT NULL
    GROUP BY g.grain, date_trunc(g.grain, r.submitted_on)
    WINDOW so_far AS (PARTITION BY g.grain ORDER BY date_trunc(g.grain, r.submitted_on))
) q;
COMMENT ON VIEW mart.movie_series IS 'One row per movie and day, and one per movie and week, in which reviews were submitted.';
COMMENT ON COLUMN mart.movie_series.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.movie_series.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.movie_series.grain IS 'day or week; choose one.';
COMMENT ON COLUMN mart.movie_series.starts_on IS 'The day, or the Monday of the week.';
COMMENT ON COLUMN mart.movie_series.days_since_release IS 'Days from the release to starts_on; null when the release is unknown.';
COMMENT ON COLUMN mart.movie_series.reviews IS 'Living reviews submitted then.';
COMMENT ON COLUMN mart.movie_series.graded_reviews IS 'Of these, how many have stars: the n of mean_stars.';
COMMENT ON COLUMN mart.movie_series.mean_stars IS 'Mean of their stars, 1 to 10.';
COMMENT ON COLUMN mart.movie_series.stars_half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.movie_series.scored_reviews IS 'How many have an overall score: the n of mean_overall.';
COMMENT ON COLUMN mart.movie_series.mean_overall IS 'Mean overall score, -2 to 2.';
COMMENT ON COLUMN mart.movie_series.overall_half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.movie_series.reviews_so_far IS 'Living reviews up to the end of that day or week.';
COMMENT ON COLUMN mart.movie_series.graded_so_far IS 'Of these, how many have stars.';
COMMENT ON COLUMN mart.movie_series.mean_stars_so_far IS 'Mean of their stars, 1 to 10.';
DROP VIEW mart.movie_months;

CREATE OR REPLACE VIEW mart.movie_snapshots AS
SELECT s.imdb_id, s.taken_at, s.rating AS site_rating, s.vote_count AS site_votes,
       s.review_count AS site_reviews, n.movie
FROM core.movie_snapshots s
JOIN mart.movie_names n USING (imdb_id);
COMMENT ON COLUMN mart.movie_snapshots.movie IS 'Title and year of the movie.';

-- --------------------------------------------------------------------------------- all movies
CREATE MATERIALIZED VIEW mart.compared_movies AS
SELECT m.imdb_id, m.movie, m.year, m.release_date, m.reviews, m.known_reviews, m.coverage,
       m.reviews - m.unrated_reviews AS graded_reviews, m.mean_stars, m.stars_half_interval,
       m.scored_reviews, m.mean_overall, m.half_interval AS overall_half_interval,
       m.polarisation, m.is_enough, m.is_enough_stars, m.waiting_reviews, m.site_rating, m.first_review_on,
       m.last_review_on, now() AS as_of
FROM mart.movies m;
CREATE UNIQUE INDEX compared_movies_key ON mart.compared_movies (imdb_id);
COMMENT ON MATERIALIZED VIEW mart.compared_movies IS 'One row per movie: its figures beside the others'', as of the end of the last job.';
COMMENT ON COLUMN mart.compared_movies.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.compared_movies.movie IS 'Title and year.';
COMMENT ON COLUMN mart.compared_movies.year IS 'Year of release.';
COMMENT ON COLUMN mart.compared_movies.release_date IS 'Day of release in the reader''s country.';
COMMENT ON COLUMN mart.compared_movies.reviews IS 'Living reviews that we hold, of all sources.';
COMMENT ON COLUMN mart.compared_movies.known_reviews IS 'Reviews that we know to exist; null when unknown.';
COMMENT ON COLUMN mart.compared_movies.coverage IS 'reviews over known_reviews.';
COMMENT ON COLUMN mart.compared_movies.graded_reviews IS 'Reviews with stars: the n of mean_stars.';
COMMENT ON COLUMN mart.compared_movies.mean_stars IS 'Mean of the stars, 1 to 10.';
COMMENT ON COLUMN mart.compared_movies.stars_half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.compared_movies.scored_reviews IS 'Reviews with an overall score: the n of mean_overall and of polarisation.';
COMMENT ON COLUMN mart.compared_movies.mean_overall IS 'Mean overall score, -2 to 2.';
COMMENT ON COLUMN mart.compared_movies.overall_half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.compared_movies.polarisation IS '0 all agree, 1 half say -2 and half say 2.';
COMMENT ON COLUMN mart.compared_movies.is_enough IS '30 scored reviews and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.compared_movies.is_enough_stars IS '30 reviews with stars and 20 % coverage: below, the mean of the stars is grey and never ranked.';
COMMENT ON COLUMN mart.compared_movies.waiting_reviews IS 'Reviews that the active analyser has not finished with.';
COMMENT ON COLUMN mart.compared_movies.site_rating IS 'The site''s own mean rating, 1 to 10.';
COMMENT ON COLUMN mart.compared_movies.first_review_on IS 'Day of the earliest review.';
COMMENT ON COLUMN mart.compared_movies.last_review_on IS 'Day of the latest review.';
COMMENT ON COLUMN mart.compared_movies.as_of IS 'When these figures were counted (UTC).';

CREATE MATERIALIZED VIEW mart.compared_aspects AS
SELECT m.imdb_id, m.movie, m.reviews, o.position, o.aspect, m.scored_reviews, o.mentions,
       o.mentions::double precision / nullif(m.scored_reviews, 0) AS share_mentioned,
       o.mean_score, mart.half_interval(o.sd::double precision, o.mentions) AS half_interval,
       mart.is_enough(o.mentions, m.coverage) AS is_enough,
       o.praised, o.faulted, o.n_praised, o.n_faulted, o.grade_praised, o.grade_faulted,
       CASE WHEN o.n_praised >= 2 AND o.n_faulted >= 2
            THEN o.grade_praised - o.grade_faulted END AS grade_difference,
       CASE WHEN o.n_praised >= 2 AND o.n_faulted >= 2
            THEN 1.96 * sqrt(o.var_praised / o.n_praised + o.var_faulted / o.n_faulted) END
           AS grade_difference_half_interval,
       mart.is_enough_difference(o.n_praised, o.n_faulted, m.coverage) AS is_enough_difference
FROM mart.compared_movies m
CROSS JOIN LATERAL (
    SELECT *
    FROM (VALUES (0, 'Overall'), (1, 'Storytelling'), (2, 'Acting'), (3, 'Visuals'), (4, 'Sound'),
                 (5, 'Themes')) AS p (position, aspect)
    LEFT JOIN (
        SELECT position, count(*) AS mentions, avg(score)::double precision AS mean_score,
               stddev_samp(score) AS sd,
               count(*) FILTER (WHERE score > 0) AS praised,
               count(*) FILTER (WHERE score < 0) AS faulted,
               count(rating_1_10) FILTER (WHERE score > 0) AS n_praised,
               count(rating_1_10) FILTER (WHERE score < 0) AS n_faulted,
               avg(rating_1_10) FILTER (WHERE score > 0)::double precision AS grade_praised,
               avg(rating_1_10) FILTER (WHERE score < 0)::double precision AS grade_faulted,
               var_samp(rating_1_10) FILTER (WHERE score > 0)::double precision AS var_praised,
               var_samp(rating_1_10) FILTER (WHERE score < 0)::double precision AS var_faulted
        FROM mart.opinions
        WHERE opinions.imdb_id = m.imdb_id
        GROUP BY position
    ) of_aspect USING (position)
) o;
CREATE UNIQUE INDEX compared_aspects_key ON mart.compared_aspects (imdb_id, position);
COMMENT ON MATERIALIZED VIEW mart.compared_aspects IS 'One row per movie and aspect, and one for the whole: how it is received and what grade goes with it, as of the end of the last job.';
COMMENT ON COLUMN mart.compared_aspects.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.compared_aspects.movie IS 'Title and year.';
COMMENT ON COLUMN mart.compared_aspects.reviews IS 'Living reviews of the movie.';
COMMENT ON COLUMN mart.compared_aspects.position IS '0 for the whole, 1 to 5 for the aspects in their order.';
COMMENT ON COLUMN mart.compared_aspects.aspect IS 'Overall, Storytelling, Acting, Visuals, Sound or Themes.';
COMMENT ON COLUMN mart.compared_aspects.scored_reviews IS 'Scored reviews of the movie.';
COMMENT ON COLUMN mart.compared_aspects.mentions IS 'Reviews that mention the aspect: the n of mean_score; null for none.';
COMMENT ON COLUMN mart.compared_aspects.share_mentioned IS 'Mentions over scored reviews.';
COMMENT ON COLUMN mart.compared_aspects.mean_score IS 'Mean score of the mentions, -2 to 2.';
COMMENT ON COLUMN mart.compared_aspects.half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.compared_aspects.is_enough IS '30 mentions and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.compared_aspects.praised IS 'Mentions with a score above 0.';
COMMENT ON COLUMN mart.compared_aspects.faulted IS 'Mentions with a score below 0.';
COMMENT ON COLUMN mart.compared_aspects.n_praised IS 'Of those that praise it, how many have stars: the n of grade_praised.';
COMMENT ON COLUMN mart.compared_aspects.n_faulted IS 'Of those that fault it, how many have stars: the n of grade_faulted.';
COMMENT ON COLUMN mart.compared_aspects.grade_praised IS 'Mean stars of the reviews that praise it, 1 to 10.';
COMMENT ON COLUMN mart.compared_aspects.grade_faulted IS 'Mean stars of the reviews that fault it, 1 to 10.';
COMMENT ON COLUMN mart.compared_aspects.grade_difference IS 'grade_praised less grade_faulted: what goes with the grade, which need not cause it; null below two of either.';
COMMENT ON COLUMN mart.compared_aspects.grade_difference_half_interval IS 'Half the width of its 95 % interval.';
COMMENT ON COLUMN mart.compared_aspects.is_enough_difference IS '10 with stars of either kind, 30 together, and 20 % coverage: below, the difference is grey and never ranked.';

-- Counted from each movie's own release, not by calendar weeks, so that the first days lie together.
CREATE MATERIALIZED VIEW mart.compared_weeks AS
SELECT m.imdb_id, m.movie, m.reviews AS movie_reviews, w.days AS days_since_release, w.reviews,
       w.reviews_so_far, w.graded_so_far,
       w.stars_so_far::double precision / nullif(w.graded_so_far, 0) AS mean_stars_so_far,
       m.coverage
FROM mart.compared_movies m
CROSS JOIN LATERAL (
    SELECT g.days, count(r.imdb_id) AS reviews,
           sum(count(r.imdb_id)) OVER so_far AS reviews_so_far,
           sum(count(r.rating_1_10)) OVER so_far AS graded_so_far,
           sum(sum(r.rating_1_10)) OVER so_far AS stars_so_far
    FROM generate_series(-28, least(728, m.as_of::date - m.release_date), 7) AS g (days)
    LEFT JOIN core.reviews r
           ON r.imdb_id = m.imdb_id AND r.removed_at IS NULL
              AND greatest(-28, floor((r.submitted_on - m.release_date) / 7.0) * 7) = g.days
    GROUP BY g.days
    WINDOW so_far AS (ORDER BY g.days)
) w
WHERE w.reviews_so_far > 0;
CREATE UNIQUE INDEX compared_weeks_key ON mart.compared_weeks (imdb_id, days_since_release);
COMMENT ON MATERIALIZED VIEW mart.compared_weeks IS 'One row per movie and seven days, from four weeks before its release to two years after it, as of the end of the last job.';
COMMENT ON COLUMN mart.compared_weeks.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.compared_weeks.movie IS 'Title and year.';
COMMENT ON COLUMN mart.compared_weeks.movie_reviews IS 'Living reviews of the movie.';
COMMENT ON COLUMN mart.compared_weeks.days_since_release IS 'Days from the release to the first of the seven; what came earlier than 28 days before it counts with those.';
COMMENT ON COLUMN mart.compared_weeks.reviews IS 'Living reviews submitted in those seven days.';
COMMENT ON COLUMN mart.compared_weeks.reviews_so_far IS 'Living reviews up to their end.';
COMMENT ON COLUMN mart.compared_weeks.graded_so_far IS 'Of these, how many have stars: the n of mean_stars_so_far.';
COMMENT ON COLUMN mart.compared_weeks.mean_stars_so_far IS 'Mean of their stars, 1 to 10.';
COMMENT ON COLUMN mart.compared_weeks.coverage IS 'Coverage of the movie.';

CREATE VIEW mart.movie_choices AS
SELECT n.imdb_id, n.movie, coalesce(c.reviews, 0) AS reviews
FROM mart.movie_names n
LEFT JOIN mart.compared_movies c USING (imdb_id)
UNION ALL
SELECT NULL, 'no movie yet', 0 WHERE NOT EXISTS (SELECT FROM core.movies);
COMMENT ON VIEW mart.movie_choices IS 'One row per movie that can be chosen; before the first, one row that says so.';
COMMENT ON COLUMN mart.movie_choices.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.movie_choices.movie IS 'Title and year.';
COMMENT ON COLUMN mart.movie_choices.reviews IS 'Living reviews as of the end of the last job; sets the order.';

CREATE VIEW mart.movie_languages AS
SELECT n.imdb_id, n.movie, mart.language_name(l.language) AS language_name, l.reviews
FROM mart.movie_names n
CROSS JOIN LATERAL (
    SELECT r.language, count(*) AS reviews
    FROM core.reviews r
    WHERE r.imdb_id = n.imdb_id AND r.removed_at IS NULL
    GROUP BY r.language
) l;
COMMENT ON VIEW mart.movie_languages IS 'One row per movie and language that can be chosen.';
COMMENT ON COLUMN mart.movie_languages.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.movie_languages.movie IS 'Title and year.';
COMMENT ON COLUMN mart.movie_languages.language_name IS 'The language in English; "not known" when unsure.';
COMMENT ON COLUMN mart.movie_languages.reviews IS 'Living reviews in it; sets the order.';

-- ------------------------------------------------------------------------------- how the work goes
CREATE VIEW mart.movie_health AS
SELECT c.imdb_id, c.movie, c.reviews, c.known_reviews, c.coverage,
       coalesce(p.waiting_reviews, 0) AS waiting_reviews,
       k.checked_at AS looked_at, k.outcome AS look_outcome,
       extract(epoch FROM now() - k.checked_at)::double precision / 3600 AS hours_since_look,
       o.status AS collection_status, o.reason AS collection_reason,
       o.sentence AS collection_sentence, o.finished_at AS collected_at
FROM mart.movie_counts c
LEFT JOIN mart.compared_movies p USING (imdb_id)
LEFT JOIN ops.movie_checks k USING (imdb_id)
LEFT JOIN LATERAL (
    SELECT * FROM ops.collections o
    WHERE o.imdb_id = c.imdb_id AND o.finished_at IS NOT NULL
    ORDER BY o.finished_at DESC LIMIT 1
) o ON true;
COMMENT ON VIEW mart.movie_health IS 'One row per movie: how fresh and how whole our knowledge of it is.';
COMMENT ON COLUMN mart.movie_health.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.movie_health.movie IS 'Title and year.';
COMMENT ON COLUMN mart.movie_health.reviews IS 'Living reviews that we hold, of all sources.';
COMMENT ON COLUMN mart.movie_health.known_reviews IS 'Reviews that we know to exist; null when unknown.';
COMMENT ON COLUMN mart.movie_health.coverage IS 'reviews over known_reviews.';
COMMENT ON COLUMN mart.movie_health.waiting_reviews IS 'Reviews that the active analyser has not finished with, as of the end of the last job.';
COMMENT ON COLUMN mart.movie_health.looked_at IS 'When the detector last looked (UTC).';
COMMENT ON COLUMN mart.movie_health.look_outcome IS 'What it found: news, no_news, busy, not_found, layout_changed, blocked or failed.';
COMMENT ON COLUMN mart.movie_health.hours_since_look IS 'Hours since then.';
COMMENT ON COLUMN mart.movie_health.collection_status IS 'How the last collection ended, imports among them.';
COMMENT ON COLUMN mart.movie_health.collection_reason IS 'One stable word for why it did not end as complete.';
COMMENT ON COLUMN mart.movie_health.collection_sentence IS 'The same for a person, with figures.';
COMMENT ON COLUMN mart.movie_health.collected_at IS 'When it ended (UTC).';

CREATE OR REPLACE VIEW mart.collections AS
SELECT c.collection_id, c.run_id, c.source, c.imdb_id, coalesce(m.original_title, m.title) AS title,
       c.mode, c.status, c.reason, c.sentence, c.started_at, c.finished_at,
       c.review_count_end AS site_reviews, c.distinct_ids, c.variant, c.loaded_at, c.inserted_rows,
       c.revised_rows, c.updated_rows, c.removed_rows,
       coalesce(n.movie, c.imdb_id) AS movie, coalesce(c.finished_at, c.queued_at) AS seen_at,
       c.status || coalesce(': ' || c.reason, '') AS status_and_reason
FROM ops.collections c
LEFT JOIN core.movies m USING (imdb_id)
LEFT JOIN mart.movie_names n USING (imdb_id);
COMMENT ON COLUMN mart.collections.movie IS 'Title and year of the movie; its id before its page was read.';
COMMENT ON COLUMN mart.collections.seen_at IS 'When it ended, or was queued while it has not (UTC).';
COMMENT ON COLUMN mart.collections.status_and_reason IS 'status, and after a colon the reason where there is one.';

CREATE VIEW mart.host_hours AS
SELECT host, hour, requests, pauses FROM ops.host_hours
UNION ALL
SELECT 'no host was asked yet', date_trunc('hour', now()), 0, 0
WHERE NOT EXISTS (SELECT FROM ops.host_hours);
COMMENT ON VIEW mart.host_hours IS 'One row per host and hour: what was asked of it; before the first request, one row that says so.';
COMMENT ON COLUMN mart.host_hours.host IS 'Host and port.';
COMMENT ON COLUMN mart.host_hours.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN mart.host_hours.requests IS 'Pages and files asked for.';
COMMENT ON COLUMN mart.host_hours.pauses IS 'Times that it refused, which paused it.';

CREATE VIEW mart.hosts AS
SELECT host, paused_until, strikes, reason, coalesce(paused_until > now(), false) AS is_paused
FROM ops.host_state
UNION ALL
SELECT 'no host was asked yet', NULL, 0, NULL, false WHERE NOT EXISTS (SELECT FROM ops.host_state);
COMMENT ON VIEW mart.hosts IS 'One row per host: whether it has asked for quiet.';
COMMENT ON COLUMN mart.hosts.host IS 'Host and port.';
COMMENT ON COLUMN mart.hosts.paused_until IS 'The host asked for quiet until then (UTC).';
COMMENT ON COLUMN mart.hosts.strikes IS 'Refusals in a row; each doubles the pause.';
COMMENT ON COLUMN mart.hosts.reason IS 'Why it is paused.';
COMMENT ON COLUMN mart.hosts.is_paused IS 'Whether it is paused now.';

CREATE OR REPLACE VIEW mart.quality_checks AS
SELECT q.imdb_id, coalesce(m.original_title, m.title) AS title, q.source, q.check_name,
       CASE q.passed WHEN true THEN 'pass' WHEN false THEN 'fail' ELSE 'not judged' END
           AS verdict,
       q.sentence, q.figure, q.expected_low, q.expected_high, q.n, q.fails_run,
       q.collected_at, q.checked_at,
       -- A load that was too small to judge does not take back a verdict.
       row_number() OVER (
           PARTITION BY q.imdb_id, q.source, q.check_name
           ORDER BY q.passed IS NULL, q.collected_at DESC, q.manifest_uri DESC) = 1 AS is_latest,
       n.movie
FROM ops.quality_checks q
JOIN core.movies m USING (imdb_id)
JOIN mart.movie_names n USING (imdb_id);
COMMENT ON COLUMN mart.quality_checks.movie IS 'Title and year of the movie.';

CREATE VIEW mart.failed_checks AS
WITH latest AS (
    SELECT c.imdb_id, c.source, c.check_name, judged.passed, judged.sentence, judged.checked_at
    FROM (SELECT DISTINCT imdb_id, source, check_name FROM ops.quality_checks) c
    LEFT JOIN LATERAL (
        SELECT * FROM ops.quality_checks q
        WHERE (q.imdb_id, q.source, q.check_name) = (c.imdb_id, c.source, c.check_name)
          AND q.passed IS NOT NULL
        ORDER BY q.collected_at DESC, q.manifest_uri DESC LIMIT 1
    ) judged ON true
)
SELECT l.imdb_id, n.movie, l.source, l.check_name, l.sentence, l.checked_at
FROM latest l
JOIN mart.movie_names n USING (imdb_id)
WHERE NOT l.passed
UNION ALL
SELECT NULL, 'all movies', NULL, 'none failed',
       count(passed) || ' checks passed, ' || count(*) - count(passed)
       || ' had too little to judge.', max(checked_at)
FROM latest
HAVING count(*) FILTER (WHERE NOT passed) = 0;
COMMENT ON VIEW mart.failed_checks IS 'One row per check of what was loaded that fails now; one row that says so when none does.';
COMMENT ON COLUMN mart.failed_checks.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.failed_checks.movie IS 'Title and year of the movie.';
COMMENT ON COLUMN mart.failed_checks.source IS 'Where the reviews stand.';
COMMENT ON COLUMN mart.failed_checks.check_name IS 'One stable word; the runbook on data quality says what each means.';
COMMENT ON COLUMN mart.failed_checks.sentence IS 'The verdict for a person, with the figures.';
COMMENT ON COLUMN mart.failed_checks.checked_at IS 'When it was judged (UTC).';

CREATE VIEW mart.llm_use AS
SELECT day, model, calls, scored, calls - scored - unfinished AS not_scored, input_tokens,
       output_tokens, cost_usd::double precision AS cost_usd,
       unsettled_usd::double precision AS unsettled_usd, quotes_given, quotes_dropped
FROM mart.llm_days
UNION ALL
SELECT (now() AT TIME ZONE 'UTC')::date, 'no model was asked yet', 0, 0, 0, 0, 0, 0, 0, 0, 0
WHERE NOT EXISTS (SELECT FROM ops.llm_calls);
COMMENT ON VIEW mart.llm_use IS 'One row per day and model: requests, tokens, cost and quotes; before the first request, one row that says so.';
COMMENT ON COLUMN mart.llm_use.day IS 'The day on which the requests were sent (UTC).';
COMMENT ON COLUMN mart.llm_use.model IS 'The model asked.';
COMMENT ON COLUMN mart.llm_use.calls IS 'Requests that were sent.';
COMMENT ON COLUMN mart.llm_use.scored IS 'Of these, answered with scores.';
COMMENT ON COLUMN mart.llm_use.not_scored IS 'Of these, ended without scores.';
COMMENT ON COLUMN mart.llm_use.input_tokens IS 'Tokens read, cached ones among them.';
COMMENT ON COLUMN mart.llm_use.output_tokens IS 'Tokens written, reasoning among them.';
COMMENT ON COLUMN mart.llm_use.cost_usd IS 'What it cost, as far as it is known (USD).';
COMMENT ON COLUMN mart.llm_use.unsettled_usd IS 'The most that the others can have cost (USD).';
COMMENT ON COLUMN mart.llm_use.quotes_given IS 'Quotes in the answers.';
COMMENT ON COLUMN mart.llm_use.quotes_dropped IS 'Of these, not in the text, too short or too long.';

CREATE VIEW mart.pipeline_facts AS
WITH health AS (
    SELECT count(*) AS movies,
           count(*) FILTER (WHERE hours_since_look <= 168) AS followed,
           count(*) FILTER (WHERE hours_since_look <= 2) AS fresh,
           min(looked_at) FILTER (WHERE hours_since_look <= 168) AS oldest_look,
           sum(reviews) AS reviews, sum(known_reviews) AS known,
           sum(reviews) FILTER (WHERE known_reviews IS NOT NULL) AS counted,
           sum(waiting_reviews) AS waiting
    FROM mart.movie_health
), ran AS (
    SELECT count(*) AS collections, count(*) FILTER (WHERE status IN ('complete', 'gated')) AS well
    FROM ops.collections
    WHERE finished_at > now() - interval '7 days'
), paused AS (
    SELECT count(*) AS hosts, min(host) AS host FROM ops.host_state WHERE paused_until > now()
), spent AS (
    SELECT sum(coalesce(cost_usd, reserved_usd)) AS usd, count(*) AS calls FROM ops.llm_calls
    WHERE started_at > now() - interval '30 days'
)
SELECT 1 AS position, 'Movies looked at within 2 hours' AS fact,
       fresh || ' of ' || followed AS value,
       CASE WHEN movies = 0 THEN 'No movie is known yet: add one to the Variable tracked_movies.'
            WHEN followed = 0 THEN 'None was looked at in 7 days: does detect_new_reviews run?'
            ELSE 'Of those followed in the last 7 days; the oldest look: ' || mart.time_ago(oldest_look) || '.' END
           AS meaning
FROM health
UNION ALL
SELECT 2, 'Reviews held', to_char(coalesce(reviews, 0), 'FM999,999,999'),
       CASE WHEN known > 0 THEN round(100 * counted / known, 1) || ' % of the '
                 || to_char(known, 'FM999,999,999') || ' that are known to exist.'
            ELSE 'How many there are is not known.' END
FROM health
UNION ALL
SELECT 3, 'Collections that went well, 7 days', well || ' of ' || collections,
       'Complete, or gated: all that a visitor is shown.'
FROM ran
UNION ALL
SELECT 4, 'Reviews that wait to be scored', to_char(coalesce(waiting, 0), 'FM999,999,999'),
       'analyse_backlog takes them up every day.'
FROM health
UNION ALL
SELECT 5, 'Hosts that asked for quiet', hosts::text,
       CASE WHEN hosts = 0 THEN 'None is paused.' ELSE host || ', among them.' END
FROM paused
UNION ALL
SELECT 6, 'Spent on models, 30 days', to_char(coalesce(usd, 0), 'FM$999,990.0000'),
       CASE WHEN calls = 0 THEN 'No model was asked: the keyless analyser costs nothing.'
            ELSE to_char(calls, 'FM999,999,999') || ' requests; those of unknown cost at their most.'
       END
FROM spent
UNION ALL
SELECT 7, 'Last backup and drill', 'not set up',
       'Backups are not part of Filmpulse yet: back Postgres and the lake up by other means.';
COMMENT ON VIEW mart.pipeline_facts IS 'One row per question that an operator asks first.';
COMMENT ON COLUMN mart.pipeline_facts.position IS 'Their order.';
COMMENT ON COLUMN mart.pipeline_facts.fact IS 'The question.';
COMMENT ON COLUMN mart.pipeline_facts.value IS 'The answer.';
COMMENT ON COLUMN mart.pipeline_facts.meaning IS 'What to make of it.';
