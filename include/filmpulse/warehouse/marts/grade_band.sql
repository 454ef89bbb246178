CREATE FUNCTION mart.grade_band(rating_1_10 smallint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN rating_1_10 IS NULL THEN 'no grade' WHEN rating_1_10 <= 2 THEN '1–2'
                WHEN rating_1_10 <= 4 THEN '3–4' WHEN rating_1_10 <= 6 THEN '5–6'
                WHEN rating_1_10 <= 8 THEN '7–8' ELSE '9–10' END;
COMMENT ON FUNCTION mart.grade_band IS 'The band of two stars that a grade falls into.';
