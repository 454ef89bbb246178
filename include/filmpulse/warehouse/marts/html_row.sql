CREATE FUNCTION mart.html_row(html text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div style="display:flex;flex-wrap:wrap;gap:14px 26px;white-space:normal;line-height:1.4">'
        || html || '</div>';
COMMENT ON FUNCTION mart.html_row IS 'Cards side by side, as many as fit. Escape what goes in.';
