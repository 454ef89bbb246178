CREATE FUNCTION mart.html_link(address text, said text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<a href="' || mart.html_escape(address) || '" target="_blank">' || mart.html_escape(said) || '</a>';
COMMENT ON FUNCTION mart.html_link IS 'A link that opens beside the page, escaped.';
