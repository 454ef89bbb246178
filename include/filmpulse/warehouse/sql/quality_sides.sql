-- A movie's living reviews of one source, as three sides that are compared: what this collection
-- brought (own), the newest collections up to it that together brought enough (recent; it holds
-- own), and the reviews just before those (past).
WITH living AS MATERIALIZED (
    SELECT review_id, first_seen_at, submitted_on, rating_1_10, is_spoiler, has_author, title, body,
           language, helpful_up, helpful_down,
           CASE WHEN octet_length(body) >= %(long_text)s THEN md5(body) END AS words
    FROM mart.current_reviews
    WHERE imdb_id = %(imdb_id)s AND source = %(source)s
      AND first_seen_at <= %(collected_at)s
), edge AS MATERIALIZED (
    SELECT max(first_seen_at) AS at
    FROM (SELECT first_seen_at, sum(count(*)) OVER (ORDER BY first_seen_at DESC) AS total
          FROM living GROUP BY first_seen_at) t
    WHERE total >= %(recent_n)s
), placed AS (
    SELECT l.*,
           first_seen_at >= coalesce(edge.at, '-infinity') AS is_recent,
           row_number() OVER (
               PARTITION BY first_seen_at >= coalesce(edge.at, '-infinity')
               ORDER BY first_seen_at DESC, submitted_on DESC NULLS LAST, review_id) AS position
    FROM living l CROSS JOIN edge
), sided AS MATERIALIZED (
    SELECT s.side, p.*, char_length(p.body) AS characters,
           coalesce(p.helpful_up, 0)::bigint + coalesce(p.helpful_down, 0) >= %(few_votes)s
               AS has_votes
    FROM placed p
    CROSS JOIN LATERAL (VALUES
        ('own', p.first_seen_at = %(collected_at)s),
        ('recent', p.is_recent),
        ('past', NOT p.is_recent AND p.position <= %(past_n)s)) AS s (side, is_in)
    WHERE s.is_in
), languages AS (
    SELECT side, jsonb_object_agg(language, n) AS languages
    FROM (SELECT side, coalesce(language, '') AS language, count(*) AS n
          FROM sided WHERE body IS NOT NULL GROUP BY side, coalesce(language, '')) t
    GROUP BY side
), stars AS (
    SELECT side, jsonb_object_agg(rating_1_10, n) AS stars
    FROM (SELECT side, rating_1_10, count(*) AS n
          FROM sided WHERE rating_1_10 IS NOT NULL GROUP BY side, rating_1_10) t
    GROUP BY side
), usual_length AS (
    SELECT characters FROM sided
    WHERE side = 'recent' AND characters >= %(long_text)s
    GROUP BY characters ORDER BY count(*) DESC, characters DESC LIMIT 1
), repeated AS (
    SELECT words FROM living WHERE words IS NOT NULL GROUP BY words HAVING count(*) > 1
)
SELECT s.side,
       count(*) AS n,
       count(*) FILTER (WHERE rating_1_10 IS NULL) AS unrated,
       count(*) FILTER (WHERE is_spoiler) AS spoilers,
       count(*) FILTER (WHERE submitted_on IS NULL) AS undated,
       count(*) FILTER (WHERE NOT has_author) AS unsigned,
       count(body) AS texts,
       count(*) FILTER (WHERE body IS NOT NULL AND coalesce(title, '') = '') AS untitled,
       count(*) FILTER (WHERE has_votes) AS voted,
       count(*) FILTER (WHERE has_votes AND helpful_down > helpful_up) AS voted_down,
       count(rating_1_10) AS rated,
       count(r.words) AS repeated,
       (SELECT characters FROM usual_length) AS usual_length,
       count(*) FILTER (WHERE characters = (SELECT characters FROM usual_length)) AS at_usual_length,
       (percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY characters)) AS quartiles,
       (SELECT stars FROM stars t WHERE t.side = s.side) AS stars,
       (SELECT languages FROM languages l WHERE l.side = s.side) AS languages
FROM sided s
LEFT JOIN repeated r USING (words)
GROUP BY s.side
