SELECT count(*) FROM delta WHERE is_new
