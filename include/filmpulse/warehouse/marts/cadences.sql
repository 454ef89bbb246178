-- How often a site is asked about a movie: the first reason that is true of it (look_reason) decides.
-- Where the figures come from: docs/adr/0047.
CREATE VIEW mart.cadences AS
SELECT * FROM (VALUES
    (1, 'stream', 'hourly', 1, 'A stream tells of all movies at once.'),
    (2, 'few', 'hourly', 1, 'All tracked movies together take half an hour at most.'),
    (3, 'news', 'hourly', 1, 'The last look had news.'),
    (4, 'asked', 'hourly', 1, 'Somebody had it read within a day.'),
    (5, 'release', 'hourly', 1, 'It is released within a week, or was within 30 days.'),
    (6, 'a_day', 'hourly', 1, 'Of late it gained a review a day or more.'),
    (7, 'some_a_week', 'every six hours', 6, 'Of late it gained three reviews a week or more.'),
    (8, 'some_a_month', 'daily', 24, 'Of late it gained a review in two weeks or more.'),
    (9, 'unsettled', 'daily', 24, 'The last look failed, or its reviews were being read then, or are to be read again.'),
    (10, 'unknown', 'daily', 24, 'How often its count moves is not known yet.'),
    (11, 'first_year', 'daily', 24, 'It was released within a year.'),
    (12, 'quiet', 'weekly', 168, 'Its count hardly moves.')
) c (position, reason, cadence, every_hours, meaning);
COMMENT ON VIEW mart.cadences IS 'One row per reason for which a movie is looked at so often, in the order in which they count.';
COMMENT ON COLUMN mart.cadences.position IS 'The order in which they count.';
COMMENT ON COLUMN mart.cadences.reason IS 'One stable word.';
COMMENT ON COLUMN mart.cadences.cadence IS 'hourly, every six hours, daily or weekly.';
COMMENT ON COLUMN mart.cadences.every_hours IS 'Hours between two looks.';
COMMENT ON COLUMN mart.cadences.meaning IS 'The reason for a person.';
