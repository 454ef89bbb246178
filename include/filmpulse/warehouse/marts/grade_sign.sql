-- As `filmpulse evaluate` has it for balanced accuracy: 5 and 6 lean nowhere.
CREATE FUNCTION mart.grade_sign(rating_1_10 smallint) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN rating_1_10 <= 4 THEN -1 WHEN rating_1_10 >= 7 THEN 1
                WHEN rating_1_10 IS NOT NULL THEN 0 END;
COMMENT ON FUNCTION mart.grade_sign IS 'Where a grade leans: -1 (4 and below), 0 (5 and 6) or 1 (7 and above).';
