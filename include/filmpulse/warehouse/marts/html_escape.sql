CREATE FUNCTION mart.html_escape(said text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(replace(replace(replace(replace(said, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'),
                           '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION mart.html_escape IS 'A text, such as one from a site or a person, with everything escaped that HTML would read as markup.';
