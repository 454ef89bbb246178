-- Checks of what was loaded (docs/adr/0020). A verdict belongs to the collection whose load it
-- followed; the sentence holds its figures in words.
CREATE TABLE ops.quality_checks (
    manifest_uri  text NOT NULL,
    check_name    text NOT NULL,
    source        text NOT NULL,
    imdb_id       text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    collected_at  timestamptz NOT NULL,
    passed        boolean,
    fails_run     boolean NOT NULL,
    figure        double precision,
    expected_low  double precision,
    expected_high double precision,
    n             integer NOT NULL CHECK (n >= 0),
    sentence      text NOT NULL,
    checked_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (manifest_uri, check_name),
    CHECK (NOT fails_run OR passed IS FALSE)
);
CREATE INDEX quality_checks_by_movie
    ON ops.quality_checks (imdb_id, source, check_name, collected_at DESC);
COMMENT ON TABLE ops.quality_checks IS 'One row per check and collection that was loaded: whether what was loaded looks as it should.';
COMMENT ON COLUMN ops.quality_checks.manifest_uri IS 'The collection: where in the lake it is.';
COMMENT ON COLUMN ops.quality_checks.check_name IS 'One stable word; the runbook says what each means.';
COMMENT ON COLUMN ops.quality_checks.source IS 'Where the reviews stand.';
COMMENT ON COLUMN ops.quality_checks.imdb_id IS 'The movie.';
COMMENT ON COLUMN ops.quality_checks.collected_at IS 'Start of the collection (UTC).';
COMMENT ON COLUMN ops.quality_checks.passed IS 'The verdict; null when there were too few to tell, or nothing to judge.';
COMMENT ON COLUMN ops.quality_checks.fails_run IS 'This collection brought the fault or more of it, so its run fails; false for one that only still stands.';
COMMENT ON COLUMN ops.quality_checks.figure IS 'What was found: a count, a share, or a ratio; the sentence says which.';
COMMENT ON COLUMN ops.quality_checks.expected_low IS 'The least that passes; null when any does.';
COMMENT ON COLUMN ops.quality_checks.expected_high IS 'The most that passes; null when any does.';
COMMENT ON COLUMN ops.quality_checks.n IS 'How many reviews the figure rests on.';
COMMENT ON COLUMN ops.quality_checks.sentence IS 'The verdict for a person, with the figures.';
COMMENT ON COLUMN ops.quality_checks.checked_at IS 'When it was judged (UTC).';

CREATE VIEW mart.quality_checks AS
SELECT q.imdb_id, coalesce(m.original_title, m.title) AS title, q.source, q.check_name,
       CASE q.passed WHEN true THEN 'pass' WHEN false THEN 'fail' ELSE 'not judged' END
           AS verdict,
       q.sentence, q.figure, q.expected_low, q.expected_high, q.n, q.fails_run,
       q.collected_at, q.checked_at,
       -- A load that was too small to judge does not take back a verdict.
       row_number() OVER (
           PARTITION BY q.imdb_id, q.source, q.check_name
           ORDER BY q.passed IS NULL, q.collected_at DESC, q.manifest_uri DESC) = 1 AS is_latest
FROM ops.quality_checks q
JOIN core.movies m USING (imdb_id);
COMMENT ON VIEW mart.quality_checks IS 'Whether what was loaded looks as it should: each check after each load, in words.';

-- Which route gave the day before, so that a day corrected by a better route is told from a fault.
ALTER TABLE core.review_revisions ADD COLUMN date_source text;
COMMENT ON COLUMN core.review_revisions.date_source IS 'Which route gave the day before; null where not noted.';
CREATE INDEX review_revisions_by_movie ON core.review_revisions (imdb_id, replaced_at);

-- The columns of all marts, for whoever charts them.
COMMENT ON COLUMN mart.reviews.source IS 'Where it stands: imdb, or the name given to a file.';
COMMENT ON COLUMN mart.reviews.review_id IS 'The site''s own id.';
COMMENT ON COLUMN mart.reviews.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.reviews.title IS 'Heading.';
COMMENT ON COLUMN mart.reviews.body IS 'Plain text.';
COMMENT ON COLUMN mart.reviews.rating_1_10 IS 'Stars, 1 to 10; null when none were given.';
COMMENT ON COLUMN mart.reviews.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN mart.reviews.is_spoiler IS 'Marked as a spoiler.';
COMMENT ON COLUMN mart.reviews.helpful_up IS 'Readers who found it helpful.';
COMMENT ON COLUMN mart.reviews.helpful_down IS 'Readers who did not.';
COMMENT ON COLUMN mart.reviews.language IS 'ISO 639-1, detected; null when unsure.';
COMMENT ON COLUMN mart.reviews.first_seen_at IS 'Start of the collection that first saw it (UTC).';
COMMENT ON COLUMN mart.reviews.content_hash IS 'sha256 of canonical title and body.';
COMMENT ON COLUMN mart.reviews.analysis_status IS 'What the movie''s active analyser made of it; null when it has not read it.';
COMMENT ON COLUMN mart.reviews.overall IS 'The whole review, -2 very negative to 2 very positive; null when not scored.';
COMMENT ON COLUMN mart.reviews.analyser_id IS 'The movie''s active analyser.';
COMMENT ON COLUMN mart.aspect_scores.source IS 'Where the review stands.';
COMMENT ON COLUMN mart.aspect_scores.review_id IS 'The site''s own id.';
COMMENT ON COLUMN mart.aspect_scores.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.aspect_scores.submitted_on IS 'The site''s day.';
COMMENT ON COLUMN mart.aspect_scores.is_spoiler IS 'The review is marked as a spoiler; do not show its quote unasked.';
COMMENT ON COLUMN mart.aspect_scores.rating_1_10 IS 'Stars of the review; null when none were given.';
COMMENT ON COLUMN mart.aspect_scores.overall IS 'The whole review, -2 to 2.';
COMMENT ON COLUMN mart.aspect_scores.analyser_id IS 'Who read it: the movie''s active analyser.';
COMMENT ON COLUMN mart.aspect_scores.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN mart.aspect_scores.score IS '-2 very negative to 2 very positive.';
COMMENT ON COLUMN mart.aspect_scores.quote IS 'An exact piece of the analysed text; null when none could be verified.';
COMMENT ON COLUMN mart.aspect_scores.quote_start IS 'Its offset in code points in title, blank line, body.';
COMMENT ON COLUMN mart.movies.imdb_id IS 'IMDb''s id.';
COMMENT ON COLUMN mart.movies.title IS 'The original title where known, else the title as the site showed it.';
COMMENT ON COLUMN mart.movies.year IS 'Year of release.';
COMMENT ON COLUMN mart.movies.release_date IS 'Day of release in the reader''s country.';
COMMENT ON COLUMN mart.movies.runtime_minutes IS 'Running time in minutes.';
COMMENT ON COLUMN mart.movies.genres IS 'Genres in the site''s order.';
COMMENT ON COLUMN mart.movies.directors IS 'Directors in the site''s order.';
COMMENT ON COLUMN mart.movies.cast_names IS 'The cast that the page names, in its order.';
COMMENT ON COLUMN mart.movies.plot IS 'The site''s short outline.';
COMMENT ON COLUMN mart.movies.poster_url IS 'Address of the poster.';
COMMENT ON COLUMN mart.movies.site_rating IS 'The site''s own mean rating, 1 to 10.';
COMMENT ON COLUMN mart.movies.site_votes IS 'Votes behind that rating.';
COMMENT ON COLUMN mart.movies.site_reviews IS 'Reviews that the site says it has.';
COMMENT ON COLUMN mart.movies.site_as_of IS 'When the site said so (UTC).';
COMMENT ON COLUMN mart.movies.reviews IS 'Living reviews that we hold, of all sources.';
COMMENT ON COLUMN mart.movies.unrated_reviews IS 'Of these, how many have no stars.';
COMMENT ON COLUMN mart.movies.mean_stars IS 'Mean of their stars, 1 to 10.';
COMMENT ON COLUMN mart.movies.analysed_reviews IS 'Reviews that the active analyser has finished with, scored or not.';
COMMENT ON COLUMN mart.movies.scored_reviews IS 'Reviews with an overall score: the n of mean_overall.';
COMMENT ON COLUMN mart.movies.mean_overall IS 'Mean overall score, -2 to 2.';
COMMENT ON COLUMN mart.movies.half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.movies.overall_low IS 'Lower end of that interval, on the scale.';
COMMENT ON COLUMN mart.movies.overall_high IS 'Upper end of that interval, on the scale.';
COMMENT ON COLUMN mart.movies.first_review_on IS 'Day of the earliest review.';
COMMENT ON COLUMN mart.movies.last_review_on IS 'Day of the latest review.';
COMMENT ON COLUMN mart.movies.coverage IS 'Our living reviews over known_reviews; null when that is unknown.';
COMMENT ON COLUMN mart.movies.analyser_id IS 'Whose scores these are; null before the first.';
COMMENT ON COLUMN mart.movies.analyser_kind IS 'lexicon or llm.';
COMMENT ON COLUMN mart.movies.analyser_model IS 'The model''s name; null for the lexicon.';
COMMENT ON COLUMN mart.movies.analyser_version IS 'Version of the prompt, or of the lexicon.';
COMMENT ON COLUMN mart.movies.is_enough IS '30 scored reviews and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.movies.collection_status IS 'How the last collection of the site ended.';
COMMENT ON COLUMN mart.movies.collection_reason IS 'One stable word for why it did not end as complete.';
COMMENT ON COLUMN mart.movies.collection_sentence IS 'The same for a person, with figures.';
COMMENT ON COLUMN mart.movies.collected_at IS 'When it ended (UTC).';
COMMENT ON COLUMN mart.movies.imported_at IS 'When a file or saved page was last loaded (UTC).';
COMMENT ON COLUMN mart.movies.known_reviews IS 'Reviews that we know to exist: the site''s count, and those of other sources; null while the site''s count is unknown.';
COMMENT ON COLUMN mart.movie_aspects.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.movie_aspects.title IS 'Its title.';
COMMENT ON COLUMN mart.movie_aspects.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN mart.movie_aspects.scored_reviews IS 'Scored reviews of the movie.';
COMMENT ON COLUMN mart.movie_aspects.mentions IS 'Reviews that mention the aspect: the n of mean_score.';
COMMENT ON COLUMN mart.movie_aspects.share_mentioned IS 'Mentions over scored reviews.';
COMMENT ON COLUMN mart.movie_aspects.mean_score IS 'Mean score of the mentions, -2 to 2.';
COMMENT ON COLUMN mart.movie_aspects.score_low IS 'Lower end of its 95 % interval, on the scale.';
COMMENT ON COLUMN mart.movie_aspects.score_high IS 'Upper end of its 95 % interval, on the scale.';
COMMENT ON COLUMN mart.movie_aspects.praised IS 'Mentions with a score above 0.';
COMMENT ON COLUMN mart.movie_aspects.faulted IS 'Mentions with a score below 0.';
COMMENT ON COLUMN mart.movie_aspects.is_enough IS '30 mentions and 20 % coverage: below, figures are grey and never ranked.';
COMMENT ON COLUMN mart.movie_months.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.movie_months.month IS 'First day of the month in which the reviews were submitted.';
COMMENT ON COLUMN mart.movie_months.reviews IS 'Living reviews of that month.';
COMMENT ON COLUMN mart.movie_months.scored_reviews IS 'Of these, how many have an overall score.';
COMMENT ON COLUMN mart.movie_months.mean_overall IS 'Mean overall score, -2 to 2.';
COMMENT ON COLUMN mart.movie_months.half_interval IS 'Half the width of its 95 % interval; null below two.';
COMMENT ON COLUMN mart.movie_months.mean_stars IS 'Mean of the stars, 1 to 10.';
COMMENT ON COLUMN mart.movie_snapshots.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.movie_snapshots.taken_at IS 'When the page was fetched (UTC).';
COMMENT ON COLUMN mart.movie_snapshots.site_rating IS 'The site''s own mean rating, 1 to 10.';
COMMENT ON COLUMN mart.movie_snapshots.site_votes IS 'Votes behind that rating.';
COMMENT ON COLUMN mart.movie_snapshots.site_reviews IS 'Reviews that the site says it has.';
COMMENT ON COLUMN mart.collections.collection_id IS 'Our number for it.';
COMMENT ON COLUMN mart.collections.run_id IS 'Airflow''s run id, or cli__ and a time.';
COMMENT ON COLUMN mart.collections.source IS 'Where the reviews stand.';
COMMENT ON COLUMN mart.collections.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.collections.title IS 'Its title.';
COMMENT ON COLUMN mart.collections.mode IS 'incremental, full, or import (from files).';
COMMENT ON COLUMN mart.collections.status IS 'queued, running, or how it ended.';
COMMENT ON COLUMN mart.collections.reason IS 'One stable word for why it did not end as complete.';
COMMENT ON COLUMN mart.collections.sentence IS 'The same for a person, with figures.';
COMMENT ON COLUMN mart.collections.started_at IS 'Start of the try that wrote the manifest (UTC).';
COMMENT ON COLUMN mart.collections.finished_at IS 'End of reading (UTC).';
COMMENT ON COLUMN mart.collections.site_reviews IS 'The site''s count on the last page.';
COMMENT ON COLUMN mart.collections.distinct_ids IS 'Different reviews that were read.';
COMMENT ON COLUMN mart.collections.variant IS 'Markup variant and route that the parser met.';
COMMENT ON COLUMN mart.collections.loaded_at IS 'When it was loaded (UTC); null when not.';
COMMENT ON COLUMN mart.collections.inserted_rows IS 'Reviews new to us.';
COMMENT ON COLUMN mart.collections.revised_rows IS 'Reviews whose words, stars, day or mark had changed.';
COMMENT ON COLUMN mart.collections.updated_rows IS 'Rows rewritten: revised, other votes, or seen again.';
COMMENT ON COLUMN mart.collections.removed_rows IS 'Reviews that were gone.';
COMMENT ON COLUMN mart.quality_checks.imdb_id IS 'The movie.';
COMMENT ON COLUMN mart.quality_checks.title IS 'Its title.';
COMMENT ON COLUMN mart.quality_checks.source IS 'Where the reviews stand.';
COMMENT ON COLUMN mart.quality_checks.check_name IS 'One stable word; the runbook on data quality says what each means.';
COMMENT ON COLUMN mart.quality_checks.verdict IS 'pass, fail, or not judged (too few to tell, or nothing to judge).';
COMMENT ON COLUMN mart.quality_checks.sentence IS 'The verdict for a person, with the figures.';
COMMENT ON COLUMN mart.quality_checks.figure IS 'What was found: a count, a share, or a ratio; the sentence says which.';
COMMENT ON COLUMN mart.quality_checks.expected_low IS 'The least that passes; null when any does.';
COMMENT ON COLUMN mart.quality_checks.expected_high IS 'The most that passes; null when any does.';
COMMENT ON COLUMN mart.quality_checks.n IS 'How many reviews the figure rests on.';
COMMENT ON COLUMN mart.quality_checks.fails_run IS 'The collection brought the fault or more of it, so its run fails.';
COMMENT ON COLUMN mart.quality_checks.collected_at IS 'Start of the collection after whose load it was judged (UTC).';
COMMENT ON COLUMN mart.quality_checks.checked_at IS 'When it was judged (UTC).';
COMMENT ON COLUMN mart.quality_checks.is_latest IS 'The last verdict of this check for this movie and source; one that was not judged counts only where there is no other.';
