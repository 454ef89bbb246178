COPY incoming (source, review_id, author_key, title, body, rating_1_10, submitted_on, date_source,
               is_spoiler, helpful_up, helpful_down, language, content_hash) FROM STDIN (FORMAT BINARY)
