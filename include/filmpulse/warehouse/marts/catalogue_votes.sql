-- A filter of a range asks for its ends; the mart of titles would be read whole for that.
CREATE VIEW mart.catalogue_votes AS
SELECT unnest(ARRAY[least_votes, most_votes]) AS votes FROM catalogue.figures;
COMMENT ON VIEW mart.catalogue_votes IS 'The fewest and the most votes of a title: two rows, none before the first load.';
COMMENT ON COLUMN mart.catalogue_votes.votes IS 'How many people voted; null where no title has votes.';
