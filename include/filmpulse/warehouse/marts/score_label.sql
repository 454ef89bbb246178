CREATE FUNCTION mart.score_label(score smallint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE score WHEN -2 THEN 'very negative' WHEN -1 THEN 'negative' WHEN 0 THEN 'mixed'
                      WHEN 1 THEN 'positive' WHEN 2 THEN 'very positive' END;
COMMENT ON FUNCTION mart.score_label IS 'A score from -2 to 2 in words.';
