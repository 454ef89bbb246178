"""A warehouse for the dashboards to show: sample movies, two hostile ones, weeks of work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Movie, Review, Snapshot
from filmpulse.lake import Manifest
from filmpulse.sample_site.generate import SampleMovie, generate
from filmpulse.warehouse import figures

MARKUP = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
HOSTILE = f"""L'"Étoile" & {MARKUP} 🎬 שלום"""
MOVIES = {  # 260 reviews: seven months of English, Spanish, and three of 1931
    "tt99000003": "Lantern Season (2026)",
    "tt99000004": "Orbit of Ash (2026)",
    "tt99000005": "La abuela pinta el mar (2025)",
    "tt99000006": "The Glass Ferryman (1931)",
}
TWINS = {"tt98000001": "tt99000004", "tt98000002": "tt99000005"}  # one title and year; said of whom
YEAR = 2026
LAST_DAY = date(2026, 11, 20)  # of the reviews: titles and periods are the same whenever this runs
MODELS = ("inventor-large", "inventor-small")


def label(imdb_id: str) -> str:
    """Say what the marts call one of the twins."""
    return f"{HOSTILE} ({YEAR}) {imdb_id}"


def fill(warehouse_url: str, lake: Path) -> None:
    """Load reviews as every collection is loaded, score them without a model, add a life by SQL.

    The work was done within the last three days, the reviews were written up to `LAST_DAY`.
    """
    context = jobs.Context.from_settings(
        Settings.model_validate({"warehouse_url": warehouse_url, "lake_url": lake.as_uri()})
    )
    now = datetime.now(UTC)
    movies = {m.imdb_id: m for m in generate(7, LAST_DAY) if m.imdb_id in MOVIES}
    for movie in (*movies.values(), *(_twin(movies[of], twin) for twin, of in TWINS.items())):
        _collect(movie, context, now)
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        for statement in (*_LIFE, *_CATALOGUE):
            connection.execute(statement, _VALUES)
        figures.count_catalogue(connection, "catalogue_live")
    figures.count_all(context.warehouse)


def _twin(movie: SampleMovie, imdb_id: str) -> SampleMovie:
    """Return a movie of which the same is said, under other ids."""
    reviews = tuple(
        replace(said, imdb_id=imdb_id, review_id=said.review_id.replace("rw", f"rw{imdb_id[2:]}"))
        for said in movie.reviews
    )
    return replace(movie, imdb_id=imdb_id, reviews=reviews)


def _collect(movie: SampleMovie, context: jobs.Context, now: datetime) -> None:
    """Write a movie's collection into the lake, load and score it."""
    writer = context.lake.begin("imdb", movie.imdb_id, now)
    writer.append(
        [
            Review(
                review_id=said.review_id, imdb_id=said.imdb_id, title=said.title, body=said.body,
                rating_1_10=said.rating, submitted_on=said.submitted_on, date_source="json",
                is_spoiler=said.is_spoiler, helpful_up=said.up, helpful_down=said.down,
            )
            for said in movie.reviews
        ]
    )  # fmt: skip
    facts = Movie(
        imdb_id=movie.imdb_id, title=movie.title, original_title=movie.original_title,
        year=movie.released_on.year, release_date=movie.released_on,
        runtime_minutes=movie.runtime_minutes, genres=movie.genres, directors=(movie.director,),
    )  # fmt: skip
    count = len(movie.reviews)
    looked = Snapshot(
        imdb_id=movie.imdb_id, taken_at=now, rating=movie.rating, vote_count=movie.votes,
        review_count=count,
    )  # fmt: skip
    manifest = Manifest(
        run_id="first", source="imdb", imdb_id=movie.imdb_id, mode="full", started_at=now,
        finished_at=now, status="complete", review_count_end=count, distinct_ids=count,
        movie=facts, snapshot=looked, parts=tuple(writer.parts),
    )  # fmt: skip
    jobs.load(writer.close(manifest), context)
    jobs.analyse(movie.imdb_id, context)


_VALUES = {
    "hostile": HOSTILE,
    "markup": MARKUP,
    "twins": list(TWINS),
    "year": YEAR,
    "models": list(MODELS),
}
_LIFE = (
    # What a site may say of a movie, a model quote, and a page must not run.
    """
    UPDATE core.movies SET title = %(hostile)s, original_title = NULL, year = %(year)s,
           directors = ARRAY[%(markup)s], genres = ARRAY[%(markup)s]
    WHERE imdb_id = ANY (%(twins)s)
    """,
    """
    UPDATE core.aspect_scores s SET quote = %(markup)s || s.quote
    FROM core.reviews r
    WHERE (r.source, r.review_id) = (s.source, s.review_id) AND r.imdb_id = ANY (%(twins)s)
    """,
    """
    INSERT INTO core.movie_events (imdb_id, happened_on, label)
    SELECT imdb_id, release_date + 14, label
    FROM core.movies
    CROSS JOIN unnest(ARRAY['Festival of the Sea 🐚', left(%(markup)s, 80)]) AS label
    WHERE release_date IS NOT NULL
    """,
    """
    INSERT INTO core.movie_snapshots (source, imdb_id, taken_at, rating, vote_count, review_count)
    SELECT 'imdb', imdb_id, now() - n * interval '1 day', 7.1 + n * 0.1, 1000 - 10 * n, 200
    FROM core.movies CROSS JOIN generate_series(1, 20) n
    """,
    """
    INSERT INTO ops.movie_checks (source, imdb_id, checked_at, outcome, sentence, review_count)
    SELECT 'imdb', imdb_id, now() - row_number() OVER (ORDER BY imdb_id) * interval '25 minutes',
           'no_news', 'Nothing new.', 200
    FROM core.movies
    """,
    """
    INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, reason, sentence, queued_at,
        heartbeat_at, started_at, finished_at, review_count_end, distinct_ids, loaded_at,
        inserted_rows, revised_rows, updated_rows, removed_rows)
    SELECT 'run ' || n, 'imdb', imdb_id, 'full', status, reason, %(markup)s, at, at, at, at, 200,
           180, at, 9, 2, 3, 1
    FROM core.movies
    CROSS JOIN (VALUES (1, 'complete', NULL), (2, 'gated', 'sign_in'), (3, 'blocked', 'challenge'),
                       (4, 'partial', 'timeout'), (5, 'failed', 'browser')) AS w (n, status, reason)
    CROSS JOIN LATERAL (SELECT now() - n * interval '9 hours' AS at) t
    """,
    "INSERT INTO ops.collections (run_id, source, imdb_id, mode, status) "
    "VALUES ('next', 'imdb', 'tt98999999', 'full', 'queued')",
    """
    INSERT INTO ops.quality_checks (manifest_uri, check_name, source, imdb_id, collected_at, passed,
                                    fails_run, n, sentence)
    SELECT 'file:///' || imdb_id, 'grades', 'imdb', imdb_id, now(), imdb_id <> ALL (%(twins)s),
           false, 40, %(markup)s || ' grades are all 10.'
    FROM core.movies
    """,
    """
    INSERT INTO ops.host_hours (host, hour, requests, pauses)
    SELECT host, date_trunc('hour', now()) - n * interval '1 hour', 40 + n %% 7, (n %% 24 = 5)::int
    FROM unnest(ARRAY['site.invalid', 'other.invalid']) AS host CROSS JOIN generate_series(0, 48) n
    """,
    """
    INSERT INTO ops.host_state (host, paused_until, strikes, reason)
    VALUES ('site.invalid', now() + interval '1 hour', 2, 'challenge'),
           ('other.invalid', NULL, 0, NULL)
    """,
    """
    INSERT INTO core.audits (auditor, source, review_id, content_hash, overall)
    SELECT auditor, source, review_id, content_hash, greatest(-1, overall)
    FROM core.review_analyses CROSS JOIN unnest(ARRAY['Ann', %(markup)s]) AS auditor
    WHERE overall IS NOT NULL AND content_hash < '4'
    """,
    """
    INSERT INTO core.audit_labels (auditor, source, review_id, content_hash, aspect, score)
    SELECT a.auditor, source, review_id, content_hash, s.aspect, greatest(-1, s.score)
    FROM core.aspect_scores s JOIN core.audits a USING (source, review_id, content_hash)
    WHERE (a.auditor, s.aspect) <> ('Ann', 'sound')
    """,
    """
    INSERT INTO ops.llm_calls (key, run_id, model, prompt_version, started_at, finished_at, outcome,
        input_tokens, output_tokens, reserved_usd, cost_usd, quotes_given, quotes_dropped)
    SELECT md5(model || day || n), 'run', model, 'aspects_v1', at, at,
           CASE WHEN n %% 9 = 0 THEN 'invalid' ELSE 'scored' END, 900 + n, 120, 0.001, 0.0004, 3,
           (n %% 4 = 0)::int
    FROM unnest(%(models)s::text[]) AS model
    CROSS JOIN generate_series(0, 2) AS day
    CROSS JOIN generate_series(1, 30) AS n
    CROSS JOIN LATERAL (SELECT now() - day * interval '1 day' AS at) t
    """,
)

# 400 titles, of which each tenth is an episode and each fiftieth an adult title; four genres.
_CATALOGUE = (
    """
    INSERT INTO catalogue_live.title_basics
    SELECT 'tt97' || lpad(n::text, 5, '0'),
           CASE WHEN n %% 10 = 9 THEN 'tvEpisode' WHEN n %% 4 = 3 THEN 'tvSeries' ELSE 'movie' END,
           CASE n %% 40 WHEN 1 THEN %(hostile)s ELSE 'Invented title ' || n END,
           'Invented title ' || n, n %% 50 = 0, nullif(1950 + n %% 75, 1999), NULL,
           CASE WHEN n = 4 THEN 51420 WHEN n %% 7 > 0 THEN 60 + n %% 90 END,
           (ARRAY['Drama', 'Horror,Comedy', NULL, %(markup)s])[1 + n %% 4]
    FROM generate_series(1, 400) n
    """,
    """
    INSERT INTO catalogue_live.title_ratings
    SELECT tconst, 3 + row_number() OVER (ORDER BY tconst) %% 70 / 10.0,
           5 + length(primary_title) * 90
    FROM catalogue_live.title_basics
    """,
    """
    INSERT INTO catalogue_live.title_akas
    SELECT tconst, 1, original_title, (ARRAY['FR', 'NA', %(markup)s])[1 + start_year %% 3], NULL,
           NULL, NULL, false
    FROM catalogue_live.title_basics WHERE start_year IS NOT NULL
    """,
    """
    INSERT INTO catalogue_live.name_basics
    SELECT 'nm970000' || n, CASE n WHEN 1 THEN %(markup)s ELSE 'Invented person ' || n END, 1900 + n
    FROM generate_series(1, 9) n
    """,
    """
    INSERT INTO catalogue_live.credits
    SELECT tconst, 'nm970000' || 1 + right(tconst, 3)::int %% 9, role, 1
    FROM catalogue_live.title_basics CROSS JOIN unnest(ARRAY['director', 'cast']) AS role
    """,
    """
    INSERT INTO core.title_lists
    SELECT name, %(markup)s, 'ids', now()
    FROM unnest(ARRAY['quiet ones', left(%(markup)s, 60)]) AS name
    """,
    """
    INSERT INTO core.title_list_members
    SELECT title_list, 'tt97' || lpad((n * 20)::text, 5, '0'), n
    FROM core.title_lists CROSS JOIN generate_series(1, 25) n
    """,
    """
    INSERT INTO ops.catalogue_loads (run_id, dataset, subset, url, state, sentence, started_at,
        file_bytes, rows_read, rows_kept, rows_duplicate, rows_left_out, table_bytes, copy_seconds)
    SELECT 'run', dataset, 'rated', 'https://site.invalid', state, said, now(), 200000000,
           12000000, 1600000, 2, 10399998, 900000000, 8.5
    FROM (VALUES ('title.ratings', 'live', NULL), ('title.basics', 'refused', %(markup)s))
         AS told (dataset, state, said)
    """,
)
