INSERT INTO core.movie_snapshots (imdb_id, taken_at, rating, vote_count, review_count)
VALUES (%(imdb_id)s, %(taken_at)s, %(rating)s, %(vote_count)s, %(review_count)s)
ON CONFLICT (imdb_id, taken_at) DO NOTHING
