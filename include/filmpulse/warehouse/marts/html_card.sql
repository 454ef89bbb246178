CREATE FUNCTION mart.html_card(of_movie text, airflow_url text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN of_movie IS NULL THEN
    '<div style="white-space:normal;font-size:16px">' || mart.html_bold('No movie is known yet.') || ' '
       || mart.html_link(airflow_url || '/filmpulse/', 'Add a movie')
       || ' on the Movies page in Airflow; it is read at once.</div>'
    ELSE (
    SELECT '<div style="display:flex;gap:22px;align-items:stretch;white-space:normal;line-height:1.4;padding-right:52px">'
           || '<div style="flex:none;width:116px;height:150px;border-radius:6px;padding:12px 8px;'
           || 'box-sizing:border-box;display:flex;flex-direction:column;justify-content:space-between;'
           || 'color:#fff;print-color-adjust:exact;background:linear-gradient(165deg,hsl(' || h.hue
           || ',45%,26%) 0%,hsl(' || h.hue || ',42%,40%) 55%,hsl(' || (h.hue + 40) % 360
           || ',55%,62%) 100%)"><div style="font:700 12.5px/1.25 Georgia,serif;overflow-wrap:anywhere;hyphens:auto">'
           || mart.html_escape(left(m.title, 46)) || '</div><div style="font:12px Georgia,serif">'
           || coalesce(m.year::text, '') || '</div></div>'
           || '<div style="flex:1 1 300px;min-width:240px">'
           || '<div style="font-size:24px;font-weight:600;line-height:1.2">' || mart.html_escape(m.title)
           || coalesce(' <span style="font-weight:400;opacity:.65">' || m.year || '</span>', '')
           || '</div><div style="opacity:.75;margin-top:2px">'
           || mart.html_escape(concat_ws(' · ', nullif(array_to_string(m.directors, ', '), ''),
                                     nullif(array_to_string(m.genres[1:3], ', '), ''),
                                     m.runtime_minutes || ' min')) || '</div>'
           || coalesce('<div style="opacity:.75;margin-top:2px">Written by: '
                       || mart.html_escape(nullif(array_to_string(m.writers[1:3], ', '), ''))
                       || CASE WHEN cardinality(m.writers) > 3 THEN ' and others' ELSE '' END
                       || '</div>', '')
           || CASE WHEN m.catalogue_facts && ARRAY['title', 'year', 'directors', 'writers', 'genres', 'runtime_minutes']
                   THEN '<div style="opacity:.75;font-size:12px;margin-top:2px">'
                        || mart.html_escape(mart.catalogue_credit()) || '</div>' ELSE '' END
           || '<div style="margin-top:6px">Read by: ' || mart.html_bold(m.analyser) || '. '
           || '<span style="opacity:.75">' || m.analyser_caveat || '</span></div>'
           || coalesce('<div style="margin-top:2px">' || mart.html_escape(w.sentence) || '</div>', '')
           || '<div style="margin-top:2px">Last looked at: ' || mart.html_bold(mart.time_ago(m.looked_at))
           || '; last collection: '
           || mart.html_bold(coalesce(m.collection_status, 'none')
                             || coalesce(' ' || mart.time_ago(m.collected_at), ''))
           || CASE WHEN m.waiting_reviews > 0
                   THEN '; ' || m.waiting_reviews || ' reviews wait to be read' ELSE '' END || '</div>'
           || coalesce('<div style="margin-top:2px">' || e.events || '</div>', '')
           || '<div style="margin-top:4px">' || mart.html_link(airflow_url || '/filmpulse/movies/' || m.imdb_id, 'Its reviews and more')
           || ' <span style="opacity:.75">(its page in Airflow)'
           || '</span></div></div>'
           || t.tiles || '</div>'
    FROM mart.movies m
    LEFT JOIN mart.awaited_analysers w USING (imdb_id)
    CROSS JOIN LATERAL (
        SELECT string_agg(mart.html_escape(e.label) || ' ' || mart.html_bold(to_char(e.happened_on, 'FMDD Mon YYYY')),
                          '; ' ORDER BY e.happened_on) AS events
        FROM (SELECT * FROM mart.movie_events e WHERE e.imdb_id = m.imdb_id
              ORDER BY e.happened_on DESC LIMIT 4) e
    ) e
    CROSS JOIN LATERAL (
        SELECT ('x' || substr(md5(m.imdb_id), 1, 4))::bit(16)::integer % 360 AS hue
    ) h
    CROSS JOIN LATERAL (
        SELECT string_agg(mart.html_tile(label, value, note, colour), '' ORDER BY place) AS tiles
        FROM (VALUES
            (1, 'Opinion, −2 to 2',
             CASE WHEN m.mean_overall IS NULL THEN '–'
                  ELSE to_char(m.mean_overall, 'SG0.00') END,
             CASE WHEN m.reviews IS NULL THEN 'not counted yet'
                  WHEN m.mean_overall IS NULL THEN 'nothing scored yet'
                  WHEN NOT m.is_enough THEN mart.html_bold('too few') || ' to grade: n ' || m.scored_reviews
                  ELSE '± ' || to_char(m.half_interval, 'FM0.00') || ', n '
                       || to_char(m.scored_reviews, 'FM999,999') END,
             CASE WHEN NOT m.is_enough OR m.mean_overall IS NULL THEN '#8C8C8C'
                  WHEN m.mean_overall >= 0.4 THEN '#2B7BBA'
                  WHEN m.mean_overall <= -0.4 THEN '#C8641B' ELSE 'inherit' END),
            (2, 'Mean grade of 10',
             coalesce(to_char(m.mean_stars, 'FM90.0'), '–'),
             CASE WHEN m.reviews IS NULL THEN 'not counted yet'
                  WHEN m.reviews = m.unrated_reviews THEN 'no review has one'
                  WHEN NOT m.is_enough_stars
                  THEN mart.html_bold('too few') || ': n ' || m.reviews - m.unrated_reviews
                  ELSE coalesce('± ' || to_char(m.stars_half_interval, 'FM90.0') || ', n ', 'n ')
                       || to_char(m.reviews - m.unrated_reviews, 'FM999,999') END,
             CASE WHEN m.is_enough_stars THEN 'inherit' ELSE '#8C8C8C' END),
            (3, 'Site rating' || CASE WHEN cardinality(m.sources) > 1
                                      THEN coalesce(' (' || mart.html_escape(m.site) || ')', '')
                                      ELSE '' END,
             coalesce(to_char(m.site_rating, 'FM90.0'), '–'),
             coalesce(to_char(m.site_votes, 'FM999,999,999') || ' votes', 'not known'), 'inherit'),
            (4, 'Reviews held',
             coalesce(to_char(m.reviews, 'FM999,999'), '–'),
             CASE WHEN m.reviews IS NULL THEN 'not counted yet' ELSE coalesce('of ' || to_char(m.known_reviews, 'FM999,999,999') || ' known, '
                      || to_char(100 * m.coverage, 'FM990.0') || ' %', 'of an unknown number')
             || CASE WHEN cardinality(m.sources) > 1
                     THEN '; of ' || mart.html_escape(array_to_string(m.sources, ', ')) ELSE '' END END,
             'inherit')
        ) AS tile (place, label, value, note, colour)
    ) t
    WHERE m.imdb_id = of_movie
    ) END;
COMMENT ON FUNCTION mart.html_card IS 'The card at the head of a movie''s page; of null, what to do before the first movie.';
