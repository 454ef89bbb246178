CREATE FUNCTION mart.html_interval(mean numeric, half_interval double precision, is_enough boolean)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT '<div style="display:flex;align-items:center;gap:14px;white-space:nowrap">'
            || '<div style="position:relative;flex:1;min-width:120px;height:18px;border-radius:3px;'
            || 'print-color-adjust:exact;background:linear-gradient(90deg,rgba(180,83,10,.28),'
            || 'rgba(185,185,189,.2) 50%,rgba(43,123,186,.28))">'
            || '<div style="position:absolute;left:50%;top:0;width:1px;height:18px;'
            || 'background:rgba(128,128,128,.7)"></div>'
            || coalesce('<div style="position:absolute;top:6px;height:6px;border-radius:3px;opacity:.55;'
                        || 'background:' || colour || ';left:' || round((low + 2) * 25, 1) || '%;width:'
                        || round((high - low) * 25, 1) || '%"></div>', '')
            || '<div style="position:absolute;top:3px;width:12px;height:12px;margin-left:-6px;'
            || 'border-radius:50%;background:' || colour || ';left:' || round((mean + 2) * 25, 1)
            || '%"></div></div>'
            || '<div style="width:112px;text-align:right;color:'
            || CASE WHEN is_enough THEN 'inherit' ELSE '#8C8C8C' END || '">'
            || '<b>' || to_char(mean, 'SG0.00') || '</b>'
            || coalesce(' ± ' || to_char(half_interval, 'FM0.00'), '') || '</div>'
            || '<div style="width:52px;color:#8C8C8C">'
            || CASE WHEN is_enough THEN '' ELSE 'too few' END || '</div></div>'
        FROM (SELECT CASE WHEN half_interval IS NOT NULL
                          THEN greatest(-2, mean - half_interval)::numeric END AS low,
                     least(2, mean + half_interval)::numeric AS high,
                     CASE WHEN NOT is_enough THEN '#8C8C8C' WHEN mean < 0 THEN '#C8641B'
                          ELSE '#2B7BBA' END AS colour) drawn);
COMMENT ON FUNCTION mart.html_interval IS 'A mean score, -2 to 2, as a dot with its 95 % interval as a bar and in figures; grey and "too few" where it does not rest on enough. No bar without an interval.';
