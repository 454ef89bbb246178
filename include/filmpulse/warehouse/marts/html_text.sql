CREATE FUNCTION mart.html_text(html text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div style="white-space:normal">' || html || '</div>';
COMMENT ON FUNCTION mart.html_text IS 'A paragraph in a table''s cell, with line breaks. Escape what goes in.';
