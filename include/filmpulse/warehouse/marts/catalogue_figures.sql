-- One row at any time, so that the dashboard can say that the catalogue is empty.
CREATE VIEW mart.catalogue_figures AS
SELECT coalesce(f.titles, 0) AS titles, coalesce(f.rated_titles, 0) AS rated_titles,
       coalesce(f.people, 0) AS people, f.prior_votes, f.mean_rating, f.enough_titles, f.counted_at,
       a.subset AS chosen_subset
FROM (SELECT 1) one
LEFT JOIN catalogue.figures f ON true
LEFT JOIN ops.catalogue_acceptance a ON true;
COMMENT ON VIEW mart.catalogue_figures IS 'What the figures of the catalogue rest on: one row, also while the catalogue is empty.';
COMMENT ON COLUMN mart.catalogue_figures.titles IS 'Titles of the catalogue.';
COMMENT ON COLUMN mart.catalogue_figures.rated_titles IS 'How many of them have votes.';
COMMENT ON COLUMN mart.catalogue_figures.people IS 'People of the catalogue.';
COMMENT ON COLUMN mart.catalogue_figures.prior_votes IS 'm: how many votes at the mean each title is given for its weighted rating; null while the catalogue is empty.';
COMMENT ON COLUMN mart.catalogue_figures.mean_rating IS 'C: mean rating of the titles with votes, each title once, without episodes and adult titles; null without any.';
COMMENT ON COLUMN mart.catalogue_figures.enough_titles IS 'How many titles a person needs in a role to be ranked; null while the catalogue is empty.';
COMMENT ON COLUMN mart.catalogue_figures.counted_at IS 'When they were counted (UTC); null while the catalogue is empty.';
COMMENT ON COLUMN mart.catalogue_figures.chosen_subset IS 'rated, no_episodes or all: the titles that a person chose to keep, which the next load shows; null before IMDb''s terms were accepted.';
