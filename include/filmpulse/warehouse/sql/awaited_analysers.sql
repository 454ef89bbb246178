-- Movies of these whose configured analyser has read enough of them, and has too few scores to be shown.
SELECT imdb_id, movie, sentence FROM mart.awaited_analysers
WHERE imdb_id = ANY(%(imdb_ids)s) AND has_finished
ORDER BY imdb_id
