"""Movies, reviews and collections for tests of the API, by the jobs that bring them in earnest."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

from helpers.catalogue_rows import fill_catalogue

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Movie, Snapshot
from filmpulse.sources.tables.mapping import read_map
from filmpulse.warehouse.figures import changing
from filmpulse.warehouse.load import store_movie, store_snapshot

MOVIE, OTHER, UNREAD, UNKNOWN = "tt99000001", "tt99000002", "tt99000003", "tt98999999"
TITLE = '=Orchard <script>alert("title")</script>'
RELEASE = date(2026, 3, 2)  # a Monday
COUNT = 60
MAP = """\
source: letters
rights: Invented for tests.
imdb_id: film
review_id: no
title: headline
body: text
rating: {column: stars, scale: 10}
submitted_on: {column: date, format: iso}
is_spoiler: {column: spoiler, words: ["yes"]}
author: who
helpful_up: up
"""
TEXTS = (
    "The acting is wonderful, and the camera is beautiful.",
    "A terrible plot, and boring dialogue. The music is awful.",
    "=cmd|' /C calc'!A0 said the villain. I loved the acting.",
    "<script>alert('body')</script> The story is great; the message moved me.",
)


def parts_of(warehouse_url: str, lake_url: str) -> jobs.Context:
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=lake_url, author_secret="for tests only")
    )


def a_row(number: int, **changes: str) -> dict[str, str]:
    cells = {
        "film": MOVIE, "no": f"r{number:03}", "headline": f"+Heading {number}",
        "text": f"{TEXTS[number % len(TEXTS)]} This is letter {number}.",
        "stars": str(number % 10 + 1) if number % 7 else "",
        "date": (RELEASE + timedelta(days=number // 2)).isoformat() if number % 11 else "",
        "spoiler": "yes" if number % 5 == 0 else "no", "who": f"Invented Person {number}",
        "up": str(number),
    }  # fmt: skip
    return cells | changes


def bring(rows: list[dict[str, str]], context: jobs.Context, run_id: str) -> None:
    """Import reviews from a table, and score them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = io.BytesIO(text.getvalue().encode())
    imported = jobs.import_table(content, "letters.csv", read_map(MAP), run_id, context)
    for imdb_id in imported.loaded:
        jobs.analyse(imdb_id, context)


def fill(context: jobs.Context) -> None:
    """Bring two movies, the second review of the first edited; and a catalogue."""
    with context.warehouse.connect() as connection, changing(connection, MOVIE):
        movie = Movie(
            imdb_id=MOVIE, title=TITLE, year=2026, release_date=RELEASE, genres=("Drama", "Mystery")
        )
        at = datetime(2026, 6, 1, 12, tzinfo=UTC)
        store_movie(connection, movie, at)
        seen = Snapshot(imdb_id=MOVIE, taken_at=at, rating=7.1, vote_count=1000, review_count=90)
        store_snapshot(connection, seen)
    bring([a_row(n) for n in range(COUNT)], context, "import__1")
    bring([a_row(n, film=OTHER, no=f"o{n}") for n in range(3)], context, "import__2")
    bring([a_row(1, text="I changed my mind: the acting is bad.")], context, "import__3")
    fill_catalogue(context)
