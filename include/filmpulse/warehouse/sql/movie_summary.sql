SELECT m.*, w.sentence AS awaited_sentence
FROM mart.movies m
LEFT JOIN mart.awaited_analysers w USING (imdb_id)
WHERE m.imdb_id = %(imdb_id)s
