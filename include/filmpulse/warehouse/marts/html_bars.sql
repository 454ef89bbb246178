CREATE FUNCTION mart.html_bars(
        very_negative bigint, negative bigint, mixed bigint, positive bigint, very_positive bigint)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT '<div style="display:flex;align-items:flex-end;gap:3px;height:30px;print-color-adjust:exact">'
            || string_agg('<div style="width:16px;background:' || colour
                          || ';border-radius:2px 2px 0 0;height:'
                          || greatest(1, round(30.0 * n / greatest(highest, 1))) || 'px"></div>',
                          '' ORDER BY place)
            || '</div>'
        FROM (SELECT place, colour, n, max(n) OVER () AS highest
              FROM (VALUES (1, '#B4530A', very_negative), (2, '#EEA65A', negative),
                           (3, '#B9B9BD', mixed), (4, '#6AAED6', positive),
                           (5, '#2B7BBA', very_positive)) AS bar (place, colour, n)) bars);
COMMENT ON FUNCTION mart.html_bars IS 'How many gave each score, from -2 to 2, as five bars; the highest is full.';
