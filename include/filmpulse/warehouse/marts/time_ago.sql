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
