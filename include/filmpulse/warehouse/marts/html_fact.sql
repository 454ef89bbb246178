CREATE FUNCTION mart.html_fact(fact text, value text, meaning text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div style="flex:1 1 130px;border-left:3px solid #0F6E84;padding-left:12px">'
        || '<div style="opacity:.75">' || mart.html_escape(fact) || '</div>'
        || '<div style="font-size:24px;font-weight:600;line-height:1.4">'
        || mart.html_escape(value) || '</div><div style="opacity:.75;font-size:12px">'
        || mart.html_escape(meaning) || '</div></div>';
COMMENT ON FUNCTION mart.html_fact IS 'A figure as a small card: what it is, its value, and what to make of it.';
