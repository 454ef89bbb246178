CREATE FUNCTION mart.html_bold(said text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<b>' || mart.html_escape(said) || '</b>';
COMMENT ON FUNCTION mart.html_bold IS 'A text in bold, escaped.';
