-- Title lists that people dropped in (`warehouse/title_lists.py`).

-- name: lock_title_list
-- Until the transaction ends, nobody else writes this list.
SELECT pg_advisory_xact_lock(hashtextextended('title_list ' || %(title_list)s, 0))

-- name: note_title_list
INSERT INTO core.title_lists (title_list, file_name, origin, added_at)
VALUES (%(title_list)s, %(file_name)s, %(origin)s, %(added_at)s)
ON CONFLICT (title_list) DO UPDATE SET
    file_name = excluded.file_name, origin = excluded.origin, added_at = excluded.added_at

-- name: drop_other_members
DELETE FROM core.title_list_members
WHERE title_list = %(title_list)s AND imdb_id <> ALL (%(imdb_ids)s)

-- name: write_members
-- The ids are in the order of the list, each once. A row is returned for each new member.
WITH given AS (
    SELECT imdb_id, position FROM unnest(%(imdb_ids)s::text[]) WITH ORDINALITY AS g (imdb_id, position)
), moved AS (
    UPDATE core.title_list_members m SET position = g.position
    FROM given g
    WHERE (m.title_list, m.imdb_id) = (%(title_list)s, g.imdb_id) AND m.position <> g.position
)
INSERT INTO core.title_list_members (title_list, imdb_id, position)
SELECT %(title_list)s, imdb_id, position FROM given
ON CONFLICT DO NOTHING RETURNING imdb_id

-- name: held_list
SELECT title_list, file_name, origin, added_at,
       ARRAY(SELECT m.imdb_id FROM core.title_list_members m
             WHERE m.title_list = l.title_list ORDER BY m.position) AS imdb_ids
FROM core.title_lists l WHERE title_list = %(title_list)s

-- name: drop_title_list
DELETE FROM core.title_lists WHERE title_list = %(title_list)s RETURNING title_list

-- name: list_title_lists
SELECT title_list, titles, known_titles, file_name, origin, added_at FROM mart.title_lists
ORDER BY lower(title_list), title_list

-- name: show_title_list
-- The first titles of a list, with what the catalogue says of them.
SELECT m.position, m.imdb_id, b.primary_title AS title, b.start_year AS year,
       r.average_rating::double precision AS rating, r.num_votes AS votes
FROM mart.title_list_members m
LEFT JOIN catalogue.title_basics b ON b.tconst = m.imdb_id
LEFT JOIN catalogue.title_ratings r ON r.tconst = m.imdb_id
WHERE m.title_list = %(title_list)s AND m.position <= %(most)s
ORDER BY m.position
