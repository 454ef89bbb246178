-- Each tab of the dashboard "Catalogue" begins with it: what is shown, by which rule, and the credit.
CREATE FUNCTION mart.html_catalogue(about text, airflow_url text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (
    SELECT mart.html_text(
        CASE WHEN f.titles = 0 THEN
            mart.html_bold('The catalogue is empty.') || ' '
            || CASE WHEN f.chosen_subset IS NULL THEN 'Accept the terms of IMDb''s datasets and choose how much to load on the page '
                    ELSE 'IMDb''s terms are accepted, and no load has ended yet: see the page ' END
            || mart.html_link(airflow_url || '/filmpulse/catalogue', 'Catalogue')
            || ' in Airflow, or run ' || mart.html_bold('filmpulse catalogue '
                                                       || CASE WHEN f.chosen_subset IS NULL THEN 'accept' ELSE 'refresh' END) || '.'
        ELSE
            mart.html_bold(to_char(f.titles, 'FM999,999,999') || ' titles') || ', '
            || to_char(f.rated_titles, 'FM999,999,999') || ' of them with votes, counted '
            || mart.time_ago(f.counted_at) || '; '
            || mart.html_link(airflow_url || '/filmpulse/search', 'look one up by name') || ' in Airflow. '
            || CASE about
                WHEN 'titles' THEN 'The best stand first by their ' || mart.html_bold('weighted rating')
                    || ' (v r + m C) / (v + m): of a title with v votes and the rating r, where m = '
                    || to_char(f.prior_votes, 'FM999,999') || ' votes and C = '
                    || coalesce(to_char(f.mean_rating, 'FM90.00'), '–')
                    || ', the mean rating of all titles, each counted once, without episodes and adult titles. So few votes '
                    || 'lift no title to the top. Episodes: choose the type tvEpisode; adult titles: the genre Adult. Region: '
                    || 'of the one region whose title equals the original title; unknown where several have it or none.'
                WHEN 'years' THEN 'A title counts in its year of release, a series in its first. Mean rating: of the titles '
                    || 'with votes, each counted once. Adult titles: the genre Adult.'
                WHEN 'runtime' THEN 'Titles whose length is known, by ten minutes. The chart ends at four hours; the tables do not. '
                    || 'Adult titles: the genre Adult.'
                WHEN 'people' THEN 'A person is ranked in a role with at least ' || mart.html_bold(f.enough_titles || ' titles')
                    || ' in the catalogue; for the best, ' || f.enough_titles || ' of them with votes. Mean rating: the mean of '
                    || 'the weighted ratings of these, so few votes count for little. Episodes and adult titles do not count. '
                    || 'Cast: actors, actresses, and people as themselves.'
                ELSE 'A list holds the titles of a file of ids, or of a saved search page, that was put into the inbox under '
                    || 'the name of the list.'
                    || (SELECT CASE WHEN count(*) > 10000 THEN ' The lists have ' || to_char(count(*), 'FM999,999,999')
                                    || ' titles in all, of which the table holds the best 10,000: choose a list to see more of it.'
                                    ELSE '' END
                        FROM mart.title_list_members) END
        END || '<br>' || mart.html_escape(mart.catalogue_credit()))
    FROM mart.catalogue_figures f);
COMMENT ON FUNCTION mart.html_catalogue IS 'What a tab about titles, years, runtime, people or lists shows, in words, with the credit line; while the catalogue is empty, what to do.';
