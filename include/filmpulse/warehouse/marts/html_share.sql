CREATE FUNCTION mart.html_share(part bigint, whole bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div style="display:flex;align-items:center;gap:8px"><div style="width:70px;height:8px;'
        || 'border-radius:4px;background:rgba(128,128,128,.25);print-color-adjust:exact">'
        || '<div style="height:8px;border-radius:4px;background:#0F6E84;width:'
        || round(100.0 * part / nullif(whole, 0)) || '%"></div></div>'
        || round(100.0 * part / nullif(whole, 0)) || ' %</div>';
COMMENT ON FUNCTION mart.html_share IS 'A share as a bar and in percent; null of nothing.';
