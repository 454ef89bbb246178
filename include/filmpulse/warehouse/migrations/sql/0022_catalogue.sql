-- IMDb's datasets, empty. `catalogue` holds the views that others read; `catalogue_live` the tables behind
-- them. A load makes tables of the same definition in `catalogue_next` and puts that schema in the place of
-- `catalogue_live`. It drops nothing: a schema of these names may be somebody else's.
CREATE SCHEMA catalogue_live;
COMMENT ON SCHEMA catalogue_live IS 'IMDb''s datasets, and what is made of them, as last loaded.';

CREATE TABLE catalogue_live.title_basics (
    tconst          text NOT NULL PRIMARY KEY,
    title_type      text,
    primary_title   text,
    original_title  text,
    is_adult        boolean,
    start_year      integer,
    end_year        integer,
    runtime_minutes integer,
    genres          text
);
COMMENT ON TABLE catalogue_live.title_basics IS 'title.basics: one row per title.';
COMMENT ON COLUMN catalogue_live.title_basics.tconst IS 'IMDb''s id of the title, such as tt0111161.';
COMMENT ON COLUMN catalogue_live.title_basics.title_type IS 'Such as movie, short, tvSeries, tvEpisode; new ones may come.';
COMMENT ON COLUMN catalogue_live.title_basics.primary_title IS 'The better-known title.';
COMMENT ON COLUMN catalogue_live.title_basics.original_title IS 'The title in its own language.';
COMMENT ON COLUMN catalogue_live.title_basics.is_adult IS 'Whether IMDb calls it an adult title.';
COMMENT ON COLUMN catalogue_live.title_basics.start_year IS 'Year of release; of a series the first year.';
COMMENT ON COLUMN catalogue_live.title_basics.end_year IS 'Last year of a series.';
COMMENT ON COLUMN catalogue_live.title_basics.runtime_minutes IS 'Running time in minutes.';
COMMENT ON COLUMN catalogue_live.title_basics.genres IS 'Up to three genres, separated by commas.';

CREATE TABLE catalogue_live.title_ratings (
    tconst         text NOT NULL PRIMARY KEY,
    average_rating numeric CHECK (average_rating BETWEEN 0 AND 10),
    num_votes      integer
);
COMMENT ON TABLE catalogue_live.title_ratings IS 'title.ratings: one row per title with at least five votes.';
COMMENT ON COLUMN catalogue_live.title_ratings.tconst IS 'The title.';
COMMENT ON COLUMN catalogue_live.title_ratings.average_rating IS 'IMDb''s weighted mean of the votes, 1 to 10.';
COMMENT ON COLUMN catalogue_live.title_ratings.num_votes IS 'How many people voted.';

CREATE TABLE catalogue_live.title_crew (
    tconst    text NOT NULL PRIMARY KEY,
    directors text,
    writers   text
);
COMMENT ON TABLE catalogue_live.title_crew IS 'title.crew: one row per title.';
COMMENT ON COLUMN catalogue_live.title_crew.tconst IS 'The title.';
COMMENT ON COLUMN catalogue_live.title_crew.directors IS 'Ids of its directors, separated by commas.';
COMMENT ON COLUMN catalogue_live.title_crew.writers IS 'Ids of its writers, separated by commas.';

CREATE TABLE catalogue_live.title_episode (
    tconst         text NOT NULL PRIMARY KEY,
    parent_tconst  text,
    season_number  integer,
    episode_number integer
);
CREATE INDEX title_episode_by_parent ON catalogue_live.title_episode (parent_tconst);
COMMENT ON TABLE catalogue_live.title_episode IS 'title.episode: one row per episode.';
COMMENT ON COLUMN catalogue_live.title_episode.tconst IS 'The episode.';
COMMENT ON COLUMN catalogue_live.title_episode.parent_tconst IS 'Its series.';
COMMENT ON COLUMN catalogue_live.title_episode.season_number IS 'Its season.';
COMMENT ON COLUMN catalogue_live.title_episode.episode_number IS 'Its number in the season.';

CREATE TABLE catalogue_live.title_principals (
    tconst     text NOT NULL,
    ordering   integer NOT NULL,
    nconst     text,
    category   text,
    job        text,
    characters text,
    PRIMARY KEY (tconst, ordering)
);
-- The titles of a person in the roles that credits leaves out: an eighth of the room that these would take there.
CREATE INDEX title_principals_by_other_person ON catalogue_live.title_principals (nconst)
    WHERE category NOT IN ('director', 'writer', 'actor', 'actress', 'self');
COMMENT ON TABLE catalogue_live.title_principals IS 'title.principals: the main people of each title, one row per task.';
COMMENT ON COLUMN catalogue_live.title_principals.tconst IS 'The title.';
COMMENT ON COLUMN catalogue_live.title_principals.ordering IS 'IMDb''s order, from 1.';
COMMENT ON COLUMN catalogue_live.title_principals.nconst IS 'The person; may stand several times in a title.';
COMMENT ON COLUMN catalogue_live.title_principals.category IS 'Such as actor, actress, self, director; new ones may come.';
COMMENT ON COLUMN catalogue_live.title_principals.job IS 'The job, more exactly.';
COMMENT ON COLUMN catalogue_live.title_principals.characters IS 'Names of the parts, as a JSON array.';

CREATE TABLE catalogue_live.title_akas (
    title_id          text NOT NULL,
    ordering          integer NOT NULL,
    title             text,
    region            text,
    language          text,
    types             text,
    attributes        text,
    is_original_title boolean,
    PRIMARY KEY (title_id, ordering)
);
COMMENT ON TABLE catalogue_live.title_akas IS 'title.akas: the titles under which a title is known, by region.';
COMMENT ON COLUMN catalogue_live.title_akas.title_id IS 'The title.';
COMMENT ON COLUMN catalogue_live.title_akas.ordering IS 'IMDb''s order, from 1.';
COMMENT ON COLUMN catalogue_live.title_akas.title IS 'The title there.';
COMMENT ON COLUMN catalogue_live.title_akas.region IS 'IMDb''s code of the region; NA is Namibia.';
COMMENT ON COLUMN catalogue_live.title_akas.language IS 'IMDb''s code of the language.';
COMMENT ON COLUMN catalogue_live.title_akas.types IS 'Such as original or imdbDisplay, separated by the character 2.';
COMMENT ON COLUMN catalogue_live.title_akas.attributes IS 'More about it, separated by the character 2.';
COMMENT ON COLUMN catalogue_live.title_akas.is_original_title IS 'Whether this is the original title.';

CREATE TABLE catalogue_live.name_basics (
    nconst             text NOT NULL PRIMARY KEY,
    primary_name       text,
    birth_year         integer,
    death_year         integer,
    primary_profession text,
    known_for_titles   text
);
COMMENT ON TABLE catalogue_live.name_basics IS 'name.basics: one row per person; names are not unique.';
COMMENT ON COLUMN catalogue_live.name_basics.nconst IS 'IMDb''s id of the person, such as nm0000209.';
COMMENT ON COLUMN catalogue_live.name_basics.primary_name IS 'The name by which the person is best known.';
COMMENT ON COLUMN catalogue_live.name_basics.birth_year IS 'Year of birth; negative before year 1.';
COMMENT ON COLUMN catalogue_live.name_basics.death_year IS 'Year of death.';
COMMENT ON COLUMN catalogue_live.name_basics.primary_profession IS 'Up to three professions, separated by commas.';
COMMENT ON COLUMN catalogue_live.name_basics.known_for_titles IS 'Ids of up to four titles, separated by commas.';

-- Made of the datasets after each load.
CREATE TABLE catalogue_live.title_genres (
    tconst   text NOT NULL,
    genre    text NOT NULL,
    position smallint NOT NULL,
    PRIMARY KEY (tconst, genre)
);
CREATE INDEX title_genres_by_genre ON catalogue_live.title_genres (genre);
COMMENT ON TABLE catalogue_live.title_genres IS 'One row per title and genre.';
COMMENT ON COLUMN catalogue_live.title_genres.tconst IS 'The title.';
COMMENT ON COLUMN catalogue_live.title_genres.genre IS 'The genre.';
COMMENT ON COLUMN catalogue_live.title_genres.position IS 'Its place among the genres of the title, from 1.';

CREATE TABLE catalogue_live.credits (
    tconst   text NOT NULL,
    nconst   text NOT NULL,
    role     text NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (tconst, role, nconst)
);
CREATE INDEX credits_by_person ON catalogue_live.credits (nconst);
COMMENT ON TABLE catalogue_live.credits IS 'One row per title, person and role, of those that are counted and ranked; the others, such as composer, are read of title_principals.';
COMMENT ON COLUMN catalogue_live.credits.tconst IS 'The title.';
COMMENT ON COLUMN catalogue_live.credits.nconst IS 'The person; may be missing in name_basics.';
COMMENT ON COLUMN catalogue_live.credits.role IS 'director, writer (both of title.crew) or cast (actor, actress, self of title.principals).';
COMMENT ON COLUMN catalogue_live.credits.position IS 'The person''s first place in that role, from 1; smaller is earlier.';

-- The search: how each table is used stands in search/README.md. Rows are stored with most votes first, and
-- never changed. Names compare byte by byte, so that a beginning is a range; there are no keys, since nothing is
-- looked up by one and a load merges what is equal.
CREATE TABLE catalogue_live.title_names (
    tconst    text NOT NULL,
    norm      text COLLATE "C" NOT NULL,
    words     text COLLATE "C" NOT NULL,
    more      text COLLATE "C",
    votes     integer NOT NULL,
    year      integer,
    kind      text NOT NULL,
    is_common boolean NOT NULL
);
CREATE INDEX title_names_by_norm ON catalogue_live.title_names (norm);
CREATE INDEX title_names_by_word ON catalogue_live.title_names
    USING gin (array_to_tsvector(string_to_array(words || coalesce(' ' || more, ''), ' ')))
    WITH (fastupdate = off);
CREATE INDEX title_names_known_by_word ON catalogue_live.title_names
    USING gin (array_to_tsvector(string_to_array(words || coalesce(' ' || more, ''), ' ')))
    WITH (fastupdate = off) WHERE votes >= 1000;
CREATE INDEX title_names_known_by_norm ON catalogue_live.title_names (norm) WHERE votes >= 1000;
COMMENT ON TABLE catalogue_live.title_names IS 'For the search: one row per title and folded name; no episodes.';
COMMENT ON COLUMN catalogue_live.title_names.tconst IS 'The title.';
COMMENT ON COLUMN catalogue_live.title_names.norm IS 'The name, folded, in one piece; 100 characters at most.';
COMMENT ON COLUMN catalogue_live.title_names.words IS 'Its folded words in order, separated by spaces.';
COMMENT ON COLUMN catalogue_live.title_names.more IS 'Other forms of its words, such as a number as it is written; null without.';
COMMENT ON COLUMN catalogue_live.title_names.votes IS 'Votes of the title; 0 without.';
COMMENT ON COLUMN catalogue_live.title_names.year IS 'Year of release.';
COMMENT ON COLUMN catalogue_live.title_names.kind IS 'primary, original, alternative or part (of one of the first two): the first of them that has this name.';
COMMENT ON COLUMN catalogue_live.title_names.is_common IS 'Whether it is found without being asked for: catalogue.is_adult does not say so.';

CREATE TABLE catalogue_live.person_names (
    nconst text NOT NULL,
    norm   text COLLATE "C" NOT NULL,
    words  text COLLATE "C" NOT NULL,
    votes  integer NOT NULL
);
CREATE INDEX person_names_by_norm ON catalogue_live.person_names (norm);
CREATE INDEX person_names_by_word ON catalogue_live.person_names
    USING gin (array_to_tsvector(string_to_array(words, ' '))) WITH (fastupdate = off);
CREATE INDEX person_names_known_by_norm ON catalogue_live.person_names (norm) WHERE votes >= 1000;
COMMENT ON TABLE catalogue_live.person_names IS 'For the search: one row per person.';
COMMENT ON COLUMN catalogue_live.person_names.nconst IS 'The person.';
COMMENT ON COLUMN catalogue_live.person_names.norm IS 'The name, folded, in one piece; 100 characters at most.';
COMMENT ON COLUMN catalogue_live.person_names.words IS 'Its folded words in order, separated by spaces.';
COMMENT ON COLUMN catalogue_live.person_names.votes IS 'Votes of the titles that the person is known for, in all.';

CREATE TABLE catalogue_live.word_repairs (
    shortened text COLLATE "C" NOT NULL,
    word      text COLLATE "C" NOT NULL,
    votes     integer NOT NULL
);
CREATE INDEX word_repairs_by_shortened ON catalogue_live.word_repairs (shortened) INCLUDE (word, votes);
COMMENT ON TABLE catalogue_live.word_repairs IS 'For the search: words with one letter left out, to find them again after a typing error.';
COMMENT ON COLUMN catalogue_live.word_repairs.shortened IS 'The word without one of its letters, or as it is.';
COMMENT ON COLUMN catalogue_live.word_repairs.word IS 'The word.';
COMMENT ON COLUMN catalogue_live.word_repairs.votes IS 'Votes of the best-known title or person that has the word.';

-- For the dashboard: counted of the datasets by each load, by queries/catalogue_figures.sql.
CREATE TABLE catalogue_live.rated_titles (
    place           integer NOT NULL PRIMARY KEY,
    tconst          text NOT NULL,
    title           text,
    title_type      text NOT NULL,
    year            integer,
    decade          text NOT NULL,
    region          text NOT NULL,
    genre_choices   text[] NOT NULL,
    runtime_minutes integer,
    is_adult        boolean NOT NULL,
    is_listed       boolean NOT NULL,
    rating          numeric NOT NULL,
    votes           integer NOT NULL,
    weighted_rating double precision NOT NULL
);
CREATE UNIQUE INDEX rated_titles_by_id ON catalogue_live.rated_titles (tconst);
CREATE INDEX rated_titles_by_runtime ON catalogue_live.rated_titles (runtime_minutes);
COMMENT ON TABLE catalogue_live.rated_titles IS 'One row per title with votes, the best first.';
COMMENT ON COLUMN catalogue_live.rated_titles.place IS 'Its place among all, from 1, by weighted_rating, then votes, then id.';
COMMENT ON COLUMN catalogue_live.rated_titles.tconst IS 'The title.';
COMMENT ON COLUMN catalogue_live.rated_titles.title IS 'The better-known title.';
COMMENT ON COLUMN catalogue_live.rated_titles.title_type IS 'Such as movie, short, tvSeries, tvEpisode; new ones may come; unknown where IMDb says none.';
COMMENT ON COLUMN catalogue_live.rated_titles.year IS 'Year of release; of a series the first year.';
COMMENT ON COLUMN catalogue_live.rated_titles.decade IS 'The ten years of that year, such as 1990s; unknown without a year.';
COMMENT ON COLUMN catalogue_live.rated_titles.region IS 'IMDb''s code of the region of the original title: that of the one region whose alternative title equals the original title, as the datasets do not say it; unknown where several regions or none have that title.';
COMMENT ON COLUMN catalogue_live.rated_titles.genre_choices IS 'The choices of a genre that find it: "All genres" and each of its genres, or unknown where IMDb says none; of an adult title Adult alone.';
COMMENT ON COLUMN catalogue_live.rated_titles.runtime_minutes IS 'Running time in minutes.';
COMMENT ON COLUMN catalogue_live.rated_titles.is_adult IS 'Whether IMDb calls it an adult title, or Adult is among its genres.';
COMMENT ON COLUMN catalogue_live.rated_titles.is_listed IS 'Whether it counts without being asked for: no episode and no adult title.';
COMMENT ON COLUMN catalogue_live.rated_titles.rating IS 'IMDb''s mean of the votes, 1 to 10: r.';
COMMENT ON COLUMN catalogue_live.rated_titles.votes IS 'How many people voted: v.';
COMMENT ON COLUMN catalogue_live.rated_titles.weighted_rating IS '(v r + m C) / (v + m), 1 to 10: the rating, drawn to the mean C as if m more people had voted so; catalogue.figures has m and C.';

CREATE TABLE catalogue_live.year_figures (
    year         integer,
    decade       text NOT NULL,
    title_type   text NOT NULL,
    genre        text NOT NULL,
    region       text NOT NULL,
    titles       bigint NOT NULL,
    rated_titles bigint NOT NULL,
    votes        bigint NOT NULL,
    ratings      double precision NOT NULL
);
COMMENT ON TABLE catalogue_live.year_figures IS 'How many titles there are: one row per year, type, choice of a genre, and region.';
COMMENT ON COLUMN catalogue_live.year_figures.year IS 'Year of release; of a series the first year; null where unknown.';
COMMENT ON COLUMN catalogue_live.year_figures.decade IS 'The ten years of that year, such as 1990s; unknown without a year.';
COMMENT ON COLUMN catalogue_live.year_figures.title_type IS 'Such as movie, short, tvSeries, tvEpisode; new ones may come; unknown where IMDb says none.';
COMMENT ON COLUMN catalogue_live.year_figures.genre IS 'A choice of a genre, as in rated_titles: titles are counted once in "All genres", and once in each of their genres.';
COMMENT ON COLUMN catalogue_live.year_figures.region IS 'As in rated_titles.';
COMMENT ON COLUMN catalogue_live.year_figures.titles IS 'How many titles.';
COMMENT ON COLUMN catalogue_live.year_figures.rated_titles IS 'How many of them have votes.';
COMMENT ON COLUMN catalogue_live.year_figures.votes IS 'Their votes.';
COMMENT ON COLUMN catalogue_live.year_figures.ratings IS 'Sum of the ratings of those with votes, each title once.';

CREATE TABLE catalogue_live.runtime_figures (
    runtime_from integer NOT NULL,
    title_type   text NOT NULL,
    decade       text NOT NULL,
    genre        text NOT NULL,
    region       text NOT NULL,
    titles       bigint NOT NULL
);
COMMENT ON TABLE catalogue_live.runtime_figures IS 'How long titles are: one row per ten minutes, type, decade, choice of a genre, and region; titles of known length only.';
COMMENT ON COLUMN catalogue_live.runtime_figures.runtime_from IS 'The first of the ten minutes, such as 90 for 90 to 99.';
COMMENT ON COLUMN catalogue_live.runtime_figures.title_type IS 'Such as movie, short, tvSeries, tvEpisode; new ones may come; unknown where IMDb says none.';
COMMENT ON COLUMN catalogue_live.runtime_figures.decade IS 'The ten years of the year of release, such as 1990s; unknown without a year.';
COMMENT ON COLUMN catalogue_live.runtime_figures.genre IS 'A choice of a genre, as in year_figures.';
COMMENT ON COLUMN catalogue_live.runtime_figures.region IS 'As in rated_titles.';
COMMENT ON COLUMN catalogue_live.runtime_figures.titles IS 'How many titles.';

CREATE TABLE catalogue_live.person_figures (
    nconst       text NOT NULL,
    role         text NOT NULL,
    titles       integer NOT NULL,
    rated_titles integer NOT NULL,
    votes        bigint NOT NULL,
    mean_rating  double precision,
    best_place   integer,
    PRIMARY KEY (nconst, role)
);
CREATE INDEX person_figures_by_titles ON catalogue_live.person_figures (titles);
CREATE INDEX person_figures_by_rating ON catalogue_live.person_figures (mean_rating);
COMMENT ON TABLE catalogue_live.person_figures IS 'One row per person and role with enough titles (catalogue.figures says how many); episodes and adult titles do not count.';
COMMENT ON COLUMN catalogue_live.person_figures.nconst IS 'The person; may be missing in name_basics.';
COMMENT ON COLUMN catalogue_live.person_figures.role IS 'director, writer or cast.';
COMMENT ON COLUMN catalogue_live.person_figures.titles IS 'Titles with the person in that role.';
COMMENT ON COLUMN catalogue_live.person_figures.rated_titles IS 'How many of them have votes.';
COMMENT ON COLUMN catalogue_live.person_figures.votes IS 'Their votes.';
COMMENT ON COLUMN catalogue_live.person_figures.mean_rating IS 'Mean of the weighted ratings of the titles with votes, each title once.';
COMMENT ON COLUMN catalogue_live.person_figures.best_place IS 'Place in rated_titles of the best of them.';

CREATE TABLE catalogue_live.figures (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    titles        bigint NOT NULL,
    rated_titles  bigint NOT NULL,
    people        bigint NOT NULL,
    least_votes   integer,
    most_votes    integer,
    prior_votes   integer NOT NULL,
    mean_rating   double precision,
    enough_titles integer NOT NULL,
    counted_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE catalogue_live.figures IS 'What the figures of the catalogue rest on: one row, none before the first load.';
COMMENT ON COLUMN catalogue_live.figures.only_row IS 'Always true: there is one row at most.';
COMMENT ON COLUMN catalogue_live.figures.titles IS 'Titles of the catalogue.';
COMMENT ON COLUMN catalogue_live.figures.rated_titles IS 'How many of them have votes.';
COMMENT ON COLUMN catalogue_live.figures.people IS 'People of the catalogue.';
COMMENT ON COLUMN catalogue_live.figures.least_votes IS 'The fewest votes of a title with votes; null without any.';
COMMENT ON COLUMN catalogue_live.figures.most_votes IS 'The most votes of a title; null without any.';
COMMENT ON COLUMN catalogue_live.figures.prior_votes IS 'm: how many votes at the mean each title is given for its weighted rating.';
COMMENT ON COLUMN catalogue_live.figures.mean_rating IS 'C: mean rating of the titles with votes, each title once, without episodes and adult titles; null without any.';
COMMENT ON COLUMN catalogue_live.figures.enough_titles IS 'How many titles a person needs in a role to be ranked.';
COMMENT ON COLUMN catalogue_live.figures.counted_at IS 'When they were counted (UTC).';

CREATE SCHEMA catalogue;
COMMENT ON SCHEMA catalogue IS 'Views over the tables of IMDb''s datasets, so that a load can put new ones in their place.';

CREATE FUNCTION catalogue.is_adult(is_adult boolean, genres text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(is_adult, false) OR coalesce('Adult' = ANY (string_to_array(genres, ',')), false);
COMMENT ON FUNCTION catalogue.is_adult IS 'Whether a title with these values of title_basics is an adult title: found and counted only if asked for.';
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'catalogue_live' LOOP
        EXECUTE format('CREATE VIEW catalogue.%1$I AS SELECT * FROM catalogue_live.%1$I', name);
    END LOOP;
END
$$;
