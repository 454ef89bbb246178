CREATE FUNCTION mart.html_tile(label text, value text, note text, colour text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div style="flex:0 1 136px;border-left:1px solid rgba(128,128,128,.35);padding-left:16px">'
        || '<div style="opacity:.75">' || mart.html_escape(label) || '</div>'
        || '<div style="font-size:28px;font-weight:600;line-height:1.35;color:' || colour || '">'
        || mart.html_escape(value) || '</div><div style="opacity:.75">' || note || '</div></div>';
COMMENT ON FUNCTION mart.html_tile IS 'A large figure of a movie''s card. Escape what goes into the note.';
