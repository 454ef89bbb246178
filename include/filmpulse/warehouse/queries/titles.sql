-- Titles and people of the catalogue: reads for the search and for pages, and what the search needs.

-- name: catalogue_as_of
-- The ledger remembers what was dropped.
SELECT (SELECT titles_as_of FROM mart.catalogue_dates WHERE EXISTS (SELECT FROM catalogue.title_names)) AS as_of

-- name: has_title_names
SELECT EXISTS (SELECT FROM catalogue.title_names)

-- name: begin_search
-- The plans that follow read what indexes find in the order of the table, which is that of votes: so LIMIT takes
-- the best-known.
SELECT EXISTS (SELECT FROM catalogue.title_names) AS is_there,
       (SELECT titles_as_of FROM mart.catalogue_dates WHERE EXISTS (SELECT FROM catalogue.title_names)) AS as_of
FROM (
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
           set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true)
    OFFSET 0
) planned

-- name: plan_facts
SELECT set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'on', true)

-- name: titles_named
-- Titles whose folded name is one of these, and those of about the year.
(SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
 FROM catalogue.title_names
 WHERE norm = ANY(%(norms)s) AND (is_common OR %(with_adult)s)
 LIMIT 60)
UNION ALL
(SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
 FROM catalogue.title_names
 WHERE norm = ANY(%(norms)s) AND (is_common OR %(with_adult)s)
   AND year BETWEEN %(year)s::int - 1 AND %(year)s::int + 1
 LIMIT 40)

-- name: known_titles_beginning
SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
FROM catalogue.title_names
WHERE votes >= 1000 AND norm >= %(start)s AND norm < %(end)s AND (is_common OR %(with_adult)s)
LIMIT 60

-- name: titles_beginning
SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
FROM catalogue.title_names
WHERE norm >= %(start)s AND norm < %(end)s AND (is_common OR %(with_adult)s)
LIMIT 60

-- name: known_titles_with_words
(SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
 FROM catalogue.title_names
 WHERE votes >= 1000
   AND array_to_tsvector(string_to_array(words || coalesce(' ' || more, ''), ' ')) @@ %(words)s::tsquery
   AND (is_common OR %(with_adult)s)
 LIMIT 60)
UNION ALL
(SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
 FROM catalogue.title_names
 WHERE votes >= 1000
   AND array_to_tsvector(string_to_array(words || coalesce(' ' || more, ''), ' ')) @@ %(words)s::tsquery
   AND (is_common OR %(with_adult)s)
   AND year BETWEEN %(year)s::int - 1 AND %(year)s::int + 1
 LIMIT 40)

-- name: titles_with_words
(SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
 FROM catalogue.title_names
 WHERE array_to_tsvector(string_to_array(words || coalesce(' ' || more, ''), ' ')) @@ %(words)s::tsquery
   AND (is_common OR %(with_adult)s)
 LIMIT 60)
UNION ALL
(SELECT tconst AS id, norm, words, coalesce(more, '') AS more, votes, year, kind
 FROM catalogue.title_names
 WHERE array_to_tsvector(string_to_array(words || coalesce(' ' || more, ''), ' ')) @@ %(words)s::tsquery
   AND (is_common OR %(with_adult)s)
   AND year BETWEEN %(year)s::int - 1 AND %(year)s::int + 1
 LIMIT 40)

-- name: repaired_words
SELECT DISTINCT word, votes FROM catalogue.word_repairs WHERE shortened = ANY(%(shortened)s)

-- name: known_words
SELECT word, votes FROM catalogue.word_repairs WHERE shortened = ANY(%(words)s) AND word = shortened

-- name: people_named
SELECT nconst AS id, norm, words, '' AS more, votes, NULL::integer AS year, 'primary' AS kind
FROM catalogue.person_names
WHERE norm = ANY(%(norms)s)
LIMIT 50

-- name: known_people_beginning
SELECT nconst AS id, norm, words, '' AS more, votes, NULL::integer AS year, 'primary' AS kind
FROM catalogue.person_names
WHERE votes >= 1000 AND norm >= %(start)s AND norm < %(end)s
LIMIT 30

-- name: people_with_words
SELECT nconst AS id, norm, words, '' AS more, votes, NULL::integer AS year, 'primary' AS kind
FROM catalogue.person_names
WHERE array_to_tsvector(string_to_array(words, ' ')) @@ %(words)s::tsquery
LIMIT 50

-- name: catalogue_titles
-- Titles by their ids, in that order, with their first people.
SELECT b.tconst AS imdb_id, b.primary_title AS title, b.original_title, b.start_year AS year,
       b.title_type AS kind, string_to_array(b.genres, ',') AS genres,
       r.average_rating::float8 AS rating, r.num_votes AS vote_count, d.names AS directors,
       c.names AS stars
FROM unnest(%(imdb_ids)s::text[]) WITH ORDINALITY asked (imdb_id, place)
JOIN catalogue.title_basics b ON b.tconst = asked.imdb_id
LEFT JOIN catalogue.title_ratings r USING (tconst)
LEFT JOIN LATERAL (
    SELECT array_agg(first.primary_name ORDER BY first.position) AS names
    FROM (
        SELECT n.primary_name, p.position
        FROM catalogue.credits p JOIN catalogue.name_basics n USING (nconst)
        WHERE p.tconst = b.tconst AND p.role = 'director' AND n.primary_name IS NOT NULL
        ORDER BY p.position
        LIMIT 3
    ) first
) d ON true
LEFT JOIN LATERAL (
    SELECT array_agg(first.primary_name ORDER BY first.position) AS names
    FROM (
        SELECT n.primary_name, p.position
        FROM catalogue.credits p JOIN catalogue.name_basics n USING (nconst)
        WHERE p.tconst = b.tconst AND p.role = 'cast' AND n.primary_name IS NOT NULL
        ORDER BY p.position
        LIMIT 3
    ) first
) c ON true
WHERE b.primary_title IS NOT NULL
ORDER BY asked.place

-- name: catalogue_people
-- People by their ids, in that order, with the titles that they are known for.
SELECT n.nconst AS person_id, n.primary_name AS name, n.birth_year, n.death_year,
       string_to_array(n.primary_profession, ',') AS professions, k.titles AS known_for
FROM unnest(%(person_ids)s::text[]) WITH ORDINALITY asked (person_id, place)
JOIN catalogue.name_basics n ON n.nconst = asked.person_id
LEFT JOIN LATERAL (
    SELECT array_agg(b.primary_title || coalesce(' (' || b.start_year || ')', '') ORDER BY t.place) AS titles
    FROM unnest(string_to_array(n.known_for_titles, ',')) WITH ORDINALITY t (tconst, place)
    JOIN catalogue.title_basics b USING (tconst)
    WHERE b.primary_title IS NOT NULL AND NOT catalogue.is_adult(b.is_adult, b.genres)
) k ON true
WHERE n.primary_name IS NOT NULL
ORDER BY asked.place

-- name: titles_of_person
-- The best-known titles of a person in each role; no episodes. Roles that `credits` does not hold are the
-- categories of title.principals, archive footage and sound among them, which come last. The condition is
-- that of the index.
WITH told AS (
    SELECT role, tconst FROM catalogue.credits WHERE nconst = %(person_id)s
    UNION ALL
    SELECT DISTINCT category, tconst FROM catalogue.title_principals
    WHERE nconst = %(person_id)s AND category NOT IN ('director', 'writer', 'actor', 'actress', 'self')
)
SELECT role, imdb_id, in_all, votes
FROM (
    SELECT c.role, c.tconst AS imdb_id, coalesce(r.num_votes, 0) AS votes,
           count(*) OVER (PARTITION BY c.role) AS in_all,
           sum(coalesce(r.num_votes, 0)) OVER (PARTITION BY c.role) AS all_votes,
           row_number() OVER (PARTITION BY c.role ORDER BY coalesce(r.num_votes, 0) DESC, c.tconst) AS place
    FROM told c
    JOIN catalogue.title_basics b USING (tconst)
    LEFT JOIN catalogue.title_ratings r USING (tconst)
    WHERE b.title_type IS DISTINCT FROM 'tvEpisode'
      AND c.tconst ~ '^tt[0-9]{7,9}$' AND (NOT catalogue.is_adult(b.is_adult, b.genres) OR %(with_adult)s)
) of_role
WHERE place <= %(most)s
ORDER BY role LIKE 'archive%%', all_votes DESC, role, place

-- name: titles_to_fold
-- Each title with its alternative titles, one row each, most votes first; all rows of a title follow each other.
SELECT b.tconst, b.primary_title, b.original_title, b.start_year AS year,
       NOT catalogue.is_adult(b.is_adult, b.genres) AS is_common, coalesce(r.num_votes, 0) AS votes, a.title AS alternative
FROM title_basics b
LEFT JOIN title_ratings r USING (tconst)
LEFT JOIN title_akas a
    ON a.title_id = b.tconst AND a.title IS DISTINCT FROM b.primary_title
    AND a.title IS DISTINCT FROM b.original_title
WHERE b.title_type IS DISTINCT FROM 'tvEpisode' AND b.tconst ~ '^tt[0-9]{7,9}$'
ORDER BY votes DESC, b.tconst

-- name: people_to_fold
-- Most votes first.
SELECT n.nconst, n.primary_name,
       (SELECT coalesce(sum(r.num_votes), 0)
        FROM unnest(string_to_array(n.known_for_titles, ',')) k (tconst)
        JOIN title_ratings r USING (tconst)) AS votes
FROM name_basics n
WHERE n.nconst ~ '^nm[0-9]{7,10}$' AND n.primary_name IS NOT NULL
ORDER BY votes DESC, n.nconst

-- name: words_to_repair
-- Words of titles and people that some know, with the votes of the best-known.
SELECT word, max(votes) AS votes
FROM (
    SELECT unnest(string_to_array(words || coalesce(' ' || more, ''), ' ')) AS word, votes
    FROM title_names
    WHERE votes >= 100 AND is_common
    UNION ALL
    SELECT unnest(string_to_array(words, ' ')), votes FROM person_names WHERE votes >= 10000
) words
WHERE length(word) BETWEEN %(shortest)s AND %(longest)s AND word !~ '^[0-9]+$'
GROUP BY word
