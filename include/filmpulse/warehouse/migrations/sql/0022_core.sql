-- Lists of titles that people dropped in.
CREATE TABLE core.title_lists (
    title_list text PRIMARY KEY CHECK (length(title_list) BETWEEN 1 AND 60 AND title_list !~ '^\s|\s$'),
    file_name  text NOT NULL,
    origin     text NOT NULL CHECK (origin IN ('ids', 'search_page')),
    added_at   timestamptz NOT NULL
);
COMMENT ON TABLE core.title_lists IS 'One row per list of titles, such as anime.';
COMMENT ON COLUMN core.title_lists.title_list IS 'Its name.';
COMMENT ON COLUMN core.title_lists.file_name IS 'The newest file that it was read from.';
COMMENT ON COLUMN core.title_lists.origin IS 'ids: a file of ids; search_page: a saved page of IMDb''s search.';
COMMENT ON COLUMN core.title_lists.added_at IS 'When that file was added to the inbox (UTC).';

CREATE TABLE core.title_list_members (
    title_list text NOT NULL REFERENCES core.title_lists ON DELETE CASCADE,
    imdb_id    text NOT NULL CHECK (imdb_id ~ '^tt[0-9]{7,9}$'),
    position   integer NOT NULL CHECK (position > 0),
    PRIMARY KEY (title_list, imdb_id)
);
CREATE INDEX title_list_members_by_title ON core.title_list_members (imdb_id);
COMMENT ON TABLE core.title_list_members IS 'One row per list and title; the title need not be known here.';
COMMENT ON COLUMN core.title_list_members.title_list IS 'The list.';
COMMENT ON COLUMN core.title_list_members.imdb_id IS 'IMDb''s id of the title.';
COMMENT ON COLUMN core.title_list_members.position IS 'Its place in the list, from 1.';
