-- All of a movie that was seen up to its erasure; its own row and its facts are left to the next.
WITH reviews AS (
    DELETE FROM core.reviews
    WHERE imdb_id = %(imdb_id)s AND first_seen_at <= %(erased_at)s
    RETURNING source, review_id, content_hash
), revisions AS (
    SELECT r.content_hash FROM core.review_revisions r JOIN reviews USING (source, review_id)
), analyses AS (
    SELECT a.content_hash FROM core.review_analyses a JOIN reviews USING (source, review_id)
), snapshots AS (
    DELETE FROM core.movie_snapshots
    WHERE imdb_id = %(imdb_id)s AND taken_at <= %(erased_at)s RETURNING 1
), collections AS (
    DELETE FROM ops.collections
    WHERE imdb_id = %(imdb_id)s AND coalesce(started_at, queued_at) <= %(erased_at)s RETURNING 1
), checks AS (
    DELETE FROM ops.movie_checks
    WHERE imdb_id = %(imdb_id)s AND checked_at <= %(erased_at)s RETURNING 1
), loads AS (
    DELETE FROM ops.loads
    WHERE imdb_id = %(imdb_id)s AND collected_at <= %(erased_at)s RETURNING 1
), lost AS (
    DELETE FROM ops.lost_objects
    WHERE imdb_id = %(imdb_id)s AND collected_at <= %(erased_at)s RETURNING 1
), quality AS (
    DELETE FROM ops.quality_checks
    WHERE imdb_id = %(imdb_id)s AND collected_at <= %(erased_at)s RETURNING 1
)
SELECT (SELECT count(*) FROM reviews) AS reviews,
       (SELECT count(*) FROM revisions) + (SELECT count(*) FROM analyses)
       + (SELECT count(*) FROM core.aspect_scores JOIN reviews USING (source, review_id))
       + (SELECT count(*) FROM snapshots) + (SELECT count(*) FROM collections)
       + (SELECT count(*) FROM checks) + (SELECT count(*) FROM loads)
       + (SELECT count(*) FROM quality) + (SELECT count(*) FROM lost) AS others,
       ARRAY(SELECT content_hash FROM reviews UNION TABLE revisions UNION TABLE analyses) AS hashes
