-- Stand before the tables of core, which are named bare, until the transaction ends.
CREATE TEMP TABLE reviews (LIKE core.reviews INCLUDING DEFAULTS INCLUDING INDEXES) ON COMMIT DROP;
CREATE TEMP TABLE review_revisions (LIKE core.review_revisions INCLUDING INDEXES) ON COMMIT DROP;
CREATE TEMP TABLE seen_since (source text, review_id text) ON COMMIT DROP;
