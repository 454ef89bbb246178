-- The best praise and the best fault of each aspect.
SELECT lower(aspect) AS aspect, is_praise, quote FROM mart.best_quotes
WHERE imdb_id = %(imdb_id)s AND place = 1
