-- The figures of the dashboard "Catalogue", counted by each load before its swap (docs/adr/0044).
-- {schema} is the schema that is being filled.

-- name: catalogue_regions
-- The datasets leave region and language of the original title empty, so the region is that of the one
-- region that has the same title. The titles must have no more than one.
CREATE TEMPORARY TABLE original_regions AS
SELECT a.title_id AS tconst, min(a.region) AS region
FROM {schema}.title_akas a
JOIN {schema}.title_basics b ON b.tconst = a.title_id AND b.original_title = a.title
WHERE a.region IS NOT NULL
GROUP BY a.title_id
HAVING min(a.region) = max(a.region);

-- name: catalogue_described
-- Every title with what the figures go by: here alone stand type, decade, choices of a genre, ten
-- minutes, and who is listed. The choices: see catalogue_live.rated_titles; each once, though a title
-- may name one of its three genres twice.
CREATE TEMPORARY VIEW described_titles AS
SELECT b.tconst, b.primary_title AS title, b.title_type, b.start_year AS year,
       coalesce(floor(b.start_year / 10.0) * 10 || 's', 'unknown') AS decade,
       coalesce(o.region, 'unknown') AS region,
       CASE WHEN b.is_adult THEN ARRAY['Adult']
            ELSE ARRAY['All genres'] || coalesce(
                CASE WHEN b.genres[1] IN (b.genres[2], b.genres[3]) OR b.genres[2] = b.genres[3]
                     THEN ARRAY(SELECT DISTINCT g FROM unnest(b.genres) g ORDER BY g) ELSE b.genres END,
                ARRAY['unknown']) END AS genre_choices,
       b.runtime_minutes, b.runtime_minutes / 10 * 10 AS runtime_from,
       b.is_adult, NOT b.is_adult AND b.title_type <> 'tvEpisode' AS is_listed,
       r.average_rating AS rating, r.num_votes AS votes
FROM (
    SELECT tconst, primary_title, coalesce(title_type, 'unknown') AS title_type, start_year,
           runtime_minutes, string_to_array(genres, ',') AS genres,
           catalogue.is_adult(is_adult, genres) AS is_adult
    FROM {schema}.title_basics
) b
LEFT JOIN original_regions o USING (tconst)
LEFT JOIN {schema}.title_ratings r ON r.tconst = b.tconst AND r.num_votes > 0 AND r.average_rating IS NOT NULL;

-- name: catalogue_basis
-- m is 1,000: with fewer votes a title keeps less than half of what sets its rating apart. C counts each
-- title once, since it stands for a title of which nothing is known; a mean by votes would be that of
-- the best-known titles. It counts what the lists show, since ratings of episodes are higher. 5 titles:
-- below, a person's mean says little, and there are ten times as many people.
INSERT INTO {schema}.figures (titles, rated_titles, people, least_votes, most_votes, prior_votes,
                              mean_rating, enough_titles)
SELECT count(*), count(rating), (SELECT count(*) FROM {schema}.name_basics), min(votes), max(votes),
       1000, coalesce(avg(rating) FILTER (WHERE is_listed), avg(rating)), 5
FROM described_titles;

-- name: catalogue_rated_titles
-- Written in the order of their places, so that a list reads one end of the table.
INSERT INTO {schema}.rated_titles (place, tconst, title, title_type, year, decade, region, genre_choices,
                          runtime_minutes, is_adult, is_listed, rating, votes, weighted_rating)
SELECT row_number() OVER best_first, tconst, title, title_type, year, decade, region, genre_choices,
       runtime_minutes, is_adult, is_listed, rating, votes, weighted_rating
FROM described_titles
CROSS JOIN {schema}.figures f
CROSS JOIN LATERAL (
    SELECT (votes * rating + f.prior_votes * f.mean_rating) / (votes + f.prior_votes::bigint)
               AS weighted_rating
) w
WHERE rating IS NOT NULL
WINDOW best_first AS (ORDER BY weighted_rating DESC, votes DESC, tconst)
ORDER BY 1;

-- name: catalogue_year_figures
INSERT INTO {schema}.year_figures (year, decade, title_type, genre, region, titles, rated_titles, votes, ratings)
SELECT year, decade, title_type, genre, region, count(*), count(rating), coalesce(sum(votes), 0),
       coalesce(sum(rating), 0)
FROM described_titles
CROSS JOIN LATERAL unnest(genre_choices) AS genre
GROUP BY year, decade, title_type, genre, region;

-- name: catalogue_runtime_figures
INSERT INTO {schema}.runtime_figures (runtime_from, title_type, decade, genre, region, titles)
SELECT runtime_from, title_type, decade, genre, region, count(*)
FROM described_titles
CROSS JOIN LATERAL unnest(genre_choices) AS genre
WHERE runtime_from IS NOT NULL
GROUP BY runtime_from, title_type, decade, genre, region;

-- name: catalogue_person_figures
INSERT INTO {schema}.person_figures (nconst, role, titles, rated_titles, votes, mean_rating, best_place)
SELECT c.nconst, c.role, count(*), count(r.place), coalesce(sum(r.votes), 0), avg(r.weighted_rating),
       min(r.place)
FROM {schema}.credits c
JOIN described_titles d ON d.tconst = c.tconst AND d.is_listed
LEFT JOIN {schema}.rated_titles r ON r.tconst = c.tconst
GROUP BY c.nconst, c.role
HAVING count(*) >= (SELECT enough_titles FROM {schema}.figures);

-- name: catalogue_described_drop
DROP VIEW described_titles;
DROP TABLE original_regions;
