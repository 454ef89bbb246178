CREATE FUNCTION mart.language_name(code text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE code
        WHEN 'ar' THEN 'Arabic' WHEN 'bg' THEN 'Bulgarian' WHEN 'bn' THEN 'Bengali'
        WHEN 'ca' THEN 'Catalan' WHEN 'cs' THEN 'Czech' WHEN 'da' THEN 'Danish'
        WHEN 'de' THEN 'German' WHEN 'el' THEN 'Greek' WHEN 'en' THEN 'English'
        WHEN 'es' THEN 'Spanish' WHEN 'et' THEN 'Estonian' WHEN 'fa' THEN 'Persian'
        WHEN 'fi' THEN 'Finnish' WHEN 'fr' THEN 'French' WHEN 'he' THEN 'Hebrew'
        WHEN 'hi' THEN 'Hindi' WHEN 'hr' THEN 'Croatian' WHEN 'hu' THEN 'Hungarian'
        WHEN 'id' THEN 'Indonesian' WHEN 'it' THEN 'Italian' WHEN 'ja' THEN 'Japanese'
        WHEN 'ko' THEN 'Korean' WHEN 'lt' THEN 'Lithuanian' WHEN 'lv' THEN 'Latvian'
        WHEN 'ml' THEN 'Malayalam' WHEN 'ms' THEN 'Malay' WHEN 'nl' THEN 'Dutch'
        WHEN 'no' THEN 'Norwegian' WHEN 'pl' THEN 'Polish' WHEN 'pt' THEN 'Portuguese'
        WHEN 'ro' THEN 'Romanian' WHEN 'ru' THEN 'Russian' WHEN 'sk' THEN 'Slovak'
        WHEN 'sl' THEN 'Slovenian' WHEN 'sr' THEN 'Serbian' WHEN 'sv' THEN 'Swedish'
        WHEN 'ta' THEN 'Tamil' WHEN 'te' THEN 'Telugu' WHEN 'th' THEN 'Thai'
        WHEN 'tr' THEN 'Turkish' WHEN 'uk' THEN 'Ukrainian' WHEN 'vi' THEN 'Vietnamese'
        WHEN 'zh' THEN 'Chinese'
        ELSE coalesce(code, 'not known') END;
COMMENT ON FUNCTION mart.language_name IS 'The English name of a language by its ISO 639-1 code; a rare language keeps its code.';
