-- Reviews seen since the last loss: of these the collections tell the newest state.
INSERT INTO pg_temp.seen_since SELECT source, review_id FROM incoming
