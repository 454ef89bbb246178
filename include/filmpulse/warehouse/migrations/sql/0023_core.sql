-- Counts of each movie's current reviews and of their scores. They hold sums and no words. Whatever
-- changes those rows counts the movie anew in its transaction (docs/adr/0046), so none depends on the
-- time, on another movie, or on which analyser is shown.
CREATE TABLE core.source_counts (
    imdb_id         text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    source          text NOT NULL,
    reviews         bigint NOT NULL,
    graded_reviews  bigint NOT NULL,
    stars           bigint NOT NULL,
    squared_stars   bigint NOT NULL,
    first_review_on date,
    last_review_on  date,
    PRIMARY KEY (imdb_id, source)
);
COMMENT ON TABLE core.source_counts IS 'One row per movie and source: what is counted of its current reviews.';
COMMENT ON COLUMN core.source_counts.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.source_counts.source IS 'Where the reviews stand.';
COMMENT ON COLUMN core.source_counts.reviews IS 'Current reviews.';
COMMENT ON COLUMN core.source_counts.graded_reviews IS 'Of these, how many have stars.';
COMMENT ON COLUMN core.source_counts.stars IS 'Sum of their stars.';
COMMENT ON COLUMN core.source_counts.squared_stars IS 'Sum of the squares of their stars.';
COMMENT ON COLUMN core.source_counts.first_review_on IS 'Day of the first review; null if no day is known.';
COMMENT ON COLUMN core.source_counts.last_review_on IS 'Day of the last review; null if no day is known.';

CREATE TABLE core.status_counts (
    imdb_id     text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    analyser_id integer NOT NULL REFERENCES core.analysers,
    status      text NOT NULL,
    reviews     bigint NOT NULL,
    PRIMARY KEY (imdb_id, analyser_id, status)
);
COMMENT ON TABLE core.status_counts IS 'One row per movie, analyser and status: how many current reviews have it.';
COMMENT ON COLUMN core.status_counts.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.status_counts.analyser_id IS 'Who read the reviews.';
COMMENT ON COLUMN core.status_counts.status IS 'As in core.review_analyses.';
COMMENT ON COLUMN core.status_counts.reviews IS 'Current reviews.';

CREATE TABLE core.score_counts (
    imdb_id        text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    analyser_id    integer NOT NULL REFERENCES core.analysers,
    position       smallint NOT NULL,
    score          smallint NOT NULL,
    reviews        bigint NOT NULL,
    graded_reviews bigint NOT NULL,
    stars          bigint NOT NULL,
    squared_stars  bigint NOT NULL,
    PRIMARY KEY (imdb_id, analyser_id, position, score)
);
COMMENT ON TABLE core.score_counts IS 'One row per movie, analyser, aspect (or the whole) and score: what is counted of the current reviews with it.';
COMMENT ON COLUMN core.score_counts.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.score_counts.analyser_id IS 'Who read the reviews.';
COMMENT ON COLUMN core.score_counts.position IS '0 for the whole, 1 to 5 for the aspects in their order.';
COMMENT ON COLUMN core.score_counts.score IS '-2 very negative to 2 very positive.';
COMMENT ON COLUMN core.score_counts.reviews IS 'Current reviews with this score.';
COMMENT ON COLUMN core.score_counts.graded_reviews IS 'Of these, how many have stars.';
COMMENT ON COLUMN core.score_counts.stars IS 'Sum of their stars.';
COMMENT ON COLUMN core.score_counts.squared_stars IS 'Sum of the squares of their stars.';

CREATE TABLE core.grade_counts (
    imdb_id     text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    analyser_id integer NOT NULL REFERENCES core.analysers,
    rating_1_10 smallint NOT NULL,
    overall     smallint NOT NULL,
    reviews     bigint NOT NULL,
    PRIMARY KEY (imdb_id, analyser_id, rating_1_10, overall)
);
COMMENT ON TABLE core.grade_counts IS 'One row per movie, analyser, grade and overall score that occur together in current reviews.';
COMMENT ON COLUMN core.grade_counts.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.grade_counts.analyser_id IS 'Who read the reviews.';
COMMENT ON COLUMN core.grade_counts.rating_1_10 IS 'Stars, 1 to 10.';
COMMENT ON COLUMN core.grade_counts.overall IS 'The analyser''s score of the whole review.';
COMMENT ON COLUMN core.grade_counts.reviews IS 'Current reviews with both.';

CREATE TABLE core.week_counts (
    imdb_id   text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    starts_on date NOT NULL,
    reviews   bigint NOT NULL,
    PRIMARY KEY (imdb_id, starts_on)
);
COMMENT ON TABLE core.week_counts IS 'One row per movie and week in which it got reviews that are current.';
COMMENT ON COLUMN core.week_counts.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.week_counts.starts_on IS 'The Monday of the week.';
COMMENT ON COLUMN core.week_counts.reviews IS 'Current reviews submitted in it.';

CREATE TABLE core.release_week_counts (
    imdb_id            text NOT NULL REFERENCES core.movies ON DELETE CASCADE,
    days_since_release smallint NOT NULL,
    reviews            bigint NOT NULL,
    reviews_so_far     bigint NOT NULL,
    graded_so_far      bigint NOT NULL,
    stars_so_far       bigint NOT NULL,
    PRIMARY KEY (imdb_id, days_since_release)
);
COMMENT ON TABLE core.release_week_counts IS 'One row per movie and seven days from its first review, at the earliest four weeks before its release, to two years after it; also those to come.';
COMMENT ON COLUMN core.release_week_counts.imdb_id IS 'The movie.';
COMMENT ON COLUMN core.release_week_counts.days_since_release IS 'Days from the release to the first of the seven; what came earlier than 28 days before it counts with those.';
COMMENT ON COLUMN core.release_week_counts.reviews IS 'Current reviews submitted in those seven days.';
COMMENT ON COLUMN core.release_week_counts.reviews_so_far IS 'Current reviews up to then.';
COMMENT ON COLUMN core.release_week_counts.graded_so_far IS 'Of these, how many have stars.';
COMMENT ON COLUMN core.release_week_counts.stars_so_far IS 'Sum of their stars.';
