-- One title of the catalogue for its page (`warehouse/title_pages.py`); each reads the rows of that title.

-- name: title_facts
SELECT b.tconst AS imdb_id, coalesce(b.primary_title, b.original_title, b.tconst) AS title,
       b.original_title, b.title_type AS kind, b.start_year AS year, b.end_year, b.runtime_minutes,
       catalogue.is_adult(b.is_adult, b.genres) AS is_adult,
       coalesce(string_to_array(b.genres, ','), '{}') AS genres,
       r.average_rating::double precision AS rating, r.num_votes AS vote_count,
       s.tconst AS series_id, s.primary_title AS series, e.season_number AS season,
       e.episode_number AS episode
FROM catalogue.title_basics b
LEFT JOIN catalogue.title_ratings r USING (tconst)
LEFT JOIN catalogue.title_episode e USING (tconst)
LEFT JOIN catalogue.title_basics s ON s.tconst = e.parent_tconst AND s.tconst ~ '^tt[0-9]{7,9}$'
WHERE b.tconst = %(imdb_id)s

-- name: title_people
-- A person may stand in a title several times, and need not be among the people; odd ids are left out.
WITH told AS (
    SELECT role, nconst, position FROM catalogue.credits WHERE tconst = %(imdb_id)s
    UNION ALL
    SELECT category, nconst, min(ordering) FROM catalogue.title_principals
    WHERE tconst = %(imdb_id)s AND nconst IS NOT NULL
          AND category NOT IN ('director', 'writer', 'actor', 'actress', 'self')
    GROUP BY category, nconst
), placed AS (
    SELECT role, nconst, row_number() OVER (PARTITION BY role ORDER BY position, nconst) AS place,
           count(*) OVER (PARTITION BY role) AS of_role
    FROM told
    WHERE nconst ~ '^nm[0-9]{7,10}$'
)
SELECT t.role, t.nconst AS person_id, n.primary_name AS name, t.place, t.of_role,
       CASE WHEN t.role = 'cast' THEN (
           SELECT p.characters FROM catalogue.title_principals p
           WHERE p.tconst = %(imdb_id)s AND p.nconst = t.nconst AND p.characters IS NOT NULL
           ORDER BY p.ordering LIMIT 1
       ) END AS characters
FROM placed t
LEFT JOIN catalogue.name_basics n USING (nconst)
WHERE t.place <= %(most)s
ORDER BY t.role NOT IN ('director', 'writer', 'cast'),
         array_position(ARRAY['director', 'writer', 'cast'], t.role), t.role, t.place

-- name: title_other_names
SELECT title, coalesce(array_agg(DISTINCT region) FILTER (WHERE region IS NOT NULL), '{}') AS regions,
       count(*) OVER () AS of_all
FROM catalogue.title_akas
WHERE title_id = %(imdb_id)s AND title IS NOT NULL
GROUP BY title
ORDER BY min(ordering)
LIMIT %(most)s
