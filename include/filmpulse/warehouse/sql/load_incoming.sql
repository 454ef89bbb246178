-- The hash joins below fit into this; a sample of a few hundred rows tells the planner enough.
SET LOCAL work_mem = '32MB';
SET LOCAL default_statistics_target = 1;
DROP TABLE IF EXISTS pg_temp.incoming, pg_temp.delta;
CREATE TEMP TABLE incoming (
    source text, review_id text, author_key text, title text, body text, rating_1_10 smallint,
    submitted_on date, date_source text, is_spoiler boolean, helpful_up integer,
    helpful_down integer, language text, content_hash text
) ON COMMIT DROP
