"""Many movies with many reviews, generated inside a throwaway warehouse within a few minutes.

As a warehouse looks that has followed its movies for two years: reviews per movie are log-normal
(of 200 movies with 500,000 reviews the largest has 17,000, which is more than any movie on IMDb
has, and the median one 1,800), most of them soon after the release; eight languages, or unsure;
85 % scored by a model, and half of the movies by the lexicon before it; a look at each movie every
hour and a collection every day. Every name and word is invented.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import statistics
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple, NoReturn

import psycopg

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.local import ports, postgres
from filmpulse.warehouse import Connection, Warehouse
from filmpulse.warehouse.migrate import migrate

SPREAD = 0.8
"""Standard deviation of the logarithm of a movie's number of reviews."""

FIRST_WORDS = ("Amber", "Silent", "Distant", "Paper", "Hollow", "Golden", "Winter", "Broken",
               "Lonely", "Crimson")  # fmt: skip
SECOND_WORDS = ("Harbour", "Orchard", "Signal", "Garden", "Machine", "River", "Letters", "Summer",
                "Cathedral", "Station", "Meridian", "Lantern", "Valley", "Parade", "Archive",
                "Horizon", "Compass", "Theatre", "Island", "Passage")  # fmt: skip


class Followed(NamedTuple):
    """A warehouse of generated movies.

    Attributes:
        owner: As Filmpulse opens it.
        reader: As Superset opens it.
        movies: The one with the most reviews first.
    """

    owner: Warehouse
    reader: Warehouse
    movies: list[Generated]


class Generated(NamedTuple):
    """One generated movie."""

    imdb_id: str
    title: str
    released_on: date
    reviews: int

    @property
    def label(self) -> str:
        """What the marts call it."""
        return f"{self.title} ({self.released_on.year})"


def sizes(movies: int, reviews: int) -> list[int]:
    """Share reviews out among movies, the largest first; at least one each."""
    normal = statistics.NormalDist()
    weights = [math.exp(-SPREAD * normal.inv_cdf((n + 0.5) / movies)) for n in range(movies)]
    shares = [max(1, round(reviews * weight / sum(weights))) for weight in weights]
    shares[0] += reviews - sum(shares)
    return shares


def plan(movies: int, reviews: int, today: date) -> list[Generated]:
    """Name the movies, the one with the most reviews first."""
    pairs = [f"{first} {second}" for second in SECOND_WORDS for first in FIRST_WORDS]
    return [
        Generated(
            f"tt{9900000 + number}",
            pairs[number % len(pairs)] + " Again" * (number // len(pairs)),
            today - timedelta(days=730 + number % 90),
            count,
        )
        for number, count in enumerate(sizes(movies, reviews))
    ]


@contextlib.contextmanager
def warehouse_of(movies: int, reviews: int, *, is_followed: bool = True) -> Iterator[Followed]:
    """Run a throwaway Postgres with such a warehouse.

    Unless it `is_followed`, nobody has looked at its movies or collected them: it has what is
    counted of reviews and scores alone.
    """
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        password = secrets.token_hex(8)
        with postgres.Throwaway(Path(folder), ports.choose(), password) as server:
            server.add_owner("filmpulse", password, "CREATEROLE", "CREATEDB")
            owner, reader = (
                Warehouse(postgres.address(role, password, server.port, "filmpulse"))
                for role in ("filmpulse", "filmpulse_reader")
            )
            migrate(owner.url)
            with server.connect("filmpulse") as connection:
                planned = fill(connection, movies, reviews, is_followed=is_followed)
            settings = Settings(warehouse_url=owner.url, reader_password=password)
            jobs.setup_warehouse(jobs.Context(settings, owner, _no_lake))
            yield Followed(owner, reader, planned)


def worked_ms(connection: Connection) -> float:
    """Return how long a processor has worked for a session, in ms; nan where that is not told.

    Unlike the time that passes, it says the same whatever else the machine does.
    """
    try:
        file = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        return int(file.read_text().split()[0]) / 1e6
    except OSError:
        return math.nan


def _no_lake() -> NoReturn:
    raise AssertionError("A benchmark of the marts has no lake.")


def fill(
    connection: psycopg.Connection, movies: int, reviews: int, *, is_followed: bool = True
) -> list[Generated]:
    """Fill an empty, migrated warehouse; return its movies, the one with the most reviews first.

    Args:
        connection: A superuser's, in autocommit: the rows fit each other, so foreign keys are not
            looked up for each.
        movies: How many.
        reviews: Of all of them together.
        is_followed: Whether they were looked at and collected for two years.

    The figures are not counted yet: `jobs.setup_warehouse` does so.
    """
    planned = plan(movies, reviews, date.today())  # noqa: DTZ011 - "two years ago" is enough
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET TIME ZONE 'UTC'")
    connection.execute("SELECT setseed(0.5)")
    connection.execute(_ANALYSERS)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO core.movies (imdb_id, title, original_title, year, release_date, "
            "directors, facts_as_of, active_analyser_id) "
            "VALUES (%s, %s, %s, %s, %s, '{Ada Invented}', now(), 2)",
            [(m.imdb_id, m.title, m.title, m.released_on.year, m.released_on) for m in planned],
        )
        connection.execute("CREATE TEMPORARY TABLE sizes (imdb_id text, number int, reviews int)")
        cursor.executemany(
            "INSERT INTO sizes VALUES (%s, %s, %s)",
            [(m.imdb_id, number, m.reviews) for number, m in enumerate(planned)],
        )
    indexes = connection.execute(_INDEXES).fetchall()
    for name, _ in indexes:  # to make an index of many rows takes less than to keep it
        connection.execute(f"DROP INDEX {name}")
    for statement in (_REVIEWS, _ANALYSES, _ASPECTS, *(_PIPELINE if is_followed else ())):
        connection.execute(statement)
    connection.execute("SET maintenance_work_mem = '512MB'")
    for _, made in indexes:
        connection.execute(made)
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("VACUUM ANALYZE")
    return planned


_INDEXES = """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relnamespace = 'core'::regnamespace AND NOT i.indisunique
      AND t.relname IN ('reviews', 'review_analyses', 'aspect_scores')
"""

_ANALYSERS = """
    INSERT INTO core.analysers (kind, model, prompt_version)
    VALUES ('lexicon', NULL, 'lexicon-1'), ('llm', 'bench-model', 'aspects_v1')
"""

# Four in five were read movie by movie when following began; the others lie as they came, between
# those of other movies. A grade is about its movie's mean, give or take two stars.
_REVIEWS = """
    INSERT INTO core.reviews (source, review_id, imdb_id, author_key, title, body, rating_1_10,
        submitted_on, date_source, is_spoiler, helpful_up, helpful_down, language, content_hash,
        first_seen_at)
    SELECT 'imdb', 'rw' || row_number() OVER (), imdb_id, md5(imdb_id || n), title, body,
           CASE WHEN graded > 0.08 THEN grade END,
           day, 'json', spoiler < 0.12, (helpful ^ 4 * 200)::int, (helpful ^ 6 * 60)::int,
           CASE WHEN spoken < 0.68 THEN 'en' WHEN spoken < 0.76 THEN 'es'
                WHEN spoken < 0.82 THEN 'fr' WHEN spoken < 0.87 THEN 'de'
                WHEN spoken < 0.91 THEN 'it' WHEN spoken < 0.94 THEN 'pt'
                WHEN spoken < 0.96 THEN 'hi' WHEN spoken < 0.98 THEN 'ja' END,
           encode(sha256(title::bytea || '\\x00'::bytea || body::bytea), 'hex'),
           day + interval '6 hours'
    FROM (
        SELECT s.imdb_id, n, random() AS length, random() AS graded, random() AS spoiler,
               random() AS helpful, random() AS spoken,
               greatest(1, least(10, round(5 + s.number % 5
                   + 4 * (random() + random() + random() - 1.5))))::smallint AS grade,
               m.release_date + (729 * random() ^ 3)::int AS day, random() > 0.8 AS came_later
        FROM sizes s
        JOIN core.movies m USING (imdb_id)
        CROSS JOIN generate_series(1, s.reviews) n
        OFFSET 0
    ) made
    CROSS JOIN LATERAL (
        SELECT 'Review ' || n AS title,
               repeat('The light falls through the orchard and nobody says what they mean. ',
                      (2 + 14 * length)::int) || imdb_id || n AS body
    ) words
    ORDER BY came_later, CASE WHEN came_later THEN day END, imdb_id
"""

# The model reads all, and refuses none but a few; the lexicon had read what is English.
_ANALYSES = """
    INSERT INTO core.review_analyses (source, review_id, content_hash, analyser_id, imdb_id, status,
        overall, input_tokens, output_tokens, cost_usd, overall_quote, overall_quote_start)
    SELECT source, review_id, content_hash, analyser_id, imdb_id, status, overall,
           900 * (analyser_id - 1), 120 * (analyser_id - 1), 0.00023 * (analyser_id - 1),
           CASE WHEN status = 'scored' AND analyser_id = 2
                THEN 'Nobody says what they mean, and it is all there.' END,
           CASE WHEN status = 'scored' AND analyser_id = 2 THEN 40 END
    FROM (
        SELECT r.*, a.analyser_id, status,
               CASE status WHEN 'scored' THEN greatest(-2, least(2,
                   round((coalesce(rating_1_10, 6) - 6) / 2.0 + random() - 0.5)))::smallint
               END AS overall
        FROM (SELECT *, random() AS luck FROM core.reviews OFFSET 0) r
        CROSS JOIN (VALUES (1), (2)) AS a (analyser_id)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN analyser_id = 1 AND language = 'en' OR analyser_id = 2 AND luck < 0.85
                             THEN 'scored'
                        WHEN analyser_id = 1 THEN 'unsupported_language'
                        WHEN luck < 0.95 THEN 'over_budget' ELSE 'refused' END AS status
        ) s
        WHERE analyser_id = 2 OR right(imdb_id, 1)::int % 2 = 0
        ORDER BY a.analyser_id
        OFFSET 0
    ) read
"""

_ASPECTS = """
    INSERT INTO core.aspect_scores (source, review_id, content_hash, analyser_id, imdb_id, aspect,
        score, quote, quote_start)
    SELECT a.source, a.review_id, a.content_hash, a.analyser_id, a.imdb_id, m.aspect,
           greatest(-2, least(2, a.overall + (random() * 2 - 1)::int)),
           CASE WHEN luck < 0.9 THEN
               left('The ' || m.aspect || ' of it all falls through the orchard, and nobody says '
                    || 'what they mean, which is more than most films of the year can say.',
                    30 + (random() * 110)::int) END,
           CASE WHEN luck < 0.9 THEN (random() * 10)::int * 80 END
    FROM (SELECT * FROM core.review_analyses WHERE status = 'scored' ORDER BY ctid OFFSET 0) a
    CROSS JOIN LATERAL (
        SELECT aspect, random() AS luck
        FROM (VALUES ('storytelling', 0.65), ('acting', 0.5), ('visuals', 0.4), ('sound', 0.25),
                     ('themes', 0.45)) AS of (aspect, share)
        WHERE random() < share AND a.overall IS NOT NULL
    ) m
"""

_PIPELINE = (
    """
    INSERT INTO core.movie_snapshots (source, imdb_id, taken_at, rating, vote_count, review_count)
    SELECT 'imdb', imdb_id, at,
           (6 + s.number % 3 + 0.3 * sin(extract(epoch FROM at)::float8 / 1e7))::numeric(3, 1),
           1000 * s.number + 5000, (s.reviews * 1.2)::int
    FROM sizes s
    CROSS JOIN generate_series(now() - interval '730 days', now(), interval '1 hour') at
    """,
    """
    INSERT INTO core.movie_events (imdb_id, happened_on, label)
    SELECT imdb_id, release_date + n * 60, 'Festival ' || n
    FROM core.movies CROSS JOIN generate_series(1, 3) n
    """,
    """
    INSERT INTO ops.movie_checks (source, imdb_id, checked_at, outcome, sentence, review_count)
    SELECT 'imdb', imdb_id, now() - random() * interval '1 hour', 'no_news', 'Nothing new.',
           (reviews * 1.2)::int
    FROM sizes
    """,
    """
    INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, reason, sentence, queued_at,
        heartbeat_at, started_at, finished_at, review_count_end, distinct_ids, loaded_at,
        inserted_rows, revised_rows, updated_rows, removed_rows)
    SELECT 'run ' || at, 'imdb', imdb_id, 'full', (ARRAY['complete', 'complete', 'gated',
           'blocked'])[how], (ARRAY[NULL, NULL, 'sign_in', 'challenge'])[how],
           'As it went on that day.', at, at, at, at + interval '5 minutes', (reviews * 1.2)::int,
           reviews, at + interval '6 minutes', 2, 1, 4, 0
    FROM sizes
    CROSS JOIN generate_series(now() - interval '730 days', now(), interval '1 day') at
    CROSS JOIN LATERAL (SELECT 1 + (random() * 3.4)::int % 4 AS how WHERE at IS NOT NULL) luck
    """,
    """
    INSERT INTO ops.quality_checks (manifest_uri, check_name, source, imdb_id, collected_at,
        passed, fails_run, figure, n, sentence, checked_at)
    SELECT imdb_id || at, 'check_' || n, 'imdb', imdb_id, at,
           CASE WHEN number = 7 AND n = 3 THEN false WHEN random() < 0.9 THEN true END,
           false, 0.4, 120, 'As expected.', at
    FROM sizes
    CROSS JOIN generate_series(now() - interval '30 days', now(), interval '1 day') at
    CROSS JOIN generate_series(1, 8) n
    """,
    """
    INSERT INTO ops.host_hours (host, hour, requests, pauses)
    SELECT 'site.invalid', at, 240 + (random() * 100)::int, (random() < 0.01)::int
    FROM generate_series(date_trunc('hour', now()) - interval '400 days', now(),
                         interval '1 hour') at
    """,
    "INSERT INTO ops.host_state (host) VALUES ('site.invalid')",
    """
    INSERT INTO ops.llm_calls (run_id, model, prompt_version, imdb_id, started_at, finished_at,
        reserved_usd, outcome, cost_usd, input_tokens, output_tokens)
    SELECT 'run', 'bench-model', 'aspects_v1', imdb_id, at, at + interval '2 seconds', 0.001,
           'scored', 0.00023, 900, 120
    FROM (SELECT imdb_id, now() - n * random() * interval '3 hours' AS at
          FROM sizes CROSS JOIN generate_series(1, 500) n) calls
    """,
)
