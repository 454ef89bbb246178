"""Reviews from files: into a real Postgres and a lake, once, with edits, and nothing unsaid."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import subprocess
import sys
from datetime import UTC, date, datetime
from hashlib import sha256

import openpyxl
import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.items import Movie, Review, Snapshot, author_key
from filmpulse.jobs.inbox import import_tables
from filmpulse.sources.tables.mapping import read_map
from filmpulse.warehouse.collections import known_reviews
from filmpulse.warehouse.figures import changing
from filmpulse.warehouse.load import (
    Sighting,
    load_reviews,
    store_movie,
    store_snapshot,
)

SECRET = "for tests only"
MOVIE, OTHER = "tt99000001", "tt99000002"
MAP = """\
source: survey
rights: Answers to our own survey; item 4 of its form allows this use.
imdb_id: film
review_id: no
title: headline
body: text
rating: {column: stars, scale: 5}
submitted_on: {column: date, format: day-first}
is_spoiler: {column: spoiler, words: ["yes"]}
author: who
helpful_up: up
"""
COLUMNS = ("film", "no", "headline", "text", "stars", "date", "spoiler", "who", "up", "phone")


def a_row(number, **changes):
    cells = {
        "film": MOVIE, "no": f"{number}", "headline": f"Heading {number}",
        "text": f"The acting is wonderful, and it is answer number {number}, \"so to say\".",
        "stars": "4", "date": "1.5.2024", "spoiler": "no", "who": f"Invented Person {number}",
        "up": "3", "phone": "555-0100",
    }  # fmt: skip
    return cells | changes


def as_csv(rows, columns=COLUMNS):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


@pytest.fixture
def context(warehouse_url, tmp_path):
    return parts_of(warehouse_url, (tmp_path / "lake").as_uri())


def parts_of(warehouse_url, lake_url, **more):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=lake_url, author_secret=SECRET, **more)
    )


_runs = iter(range(1_000_000))


def bring(content, context, mapping=MAP, name="answers.csv", **options):
    if not isinstance(content, bytes):
        content = as_csv(content)
    mapping = read_map(mapping) if isinstance(mapping, str) else mapping
    run_id = f"test__{next(_runs)}"
    return jobs.import_table(io.BytesIO(content), name, mapping, run_id, context, **options)


def query(context, text, *values):
    with context.warehouse.connect() as connection:
        cursor = connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def stored(context, columns="*"):
    return query(context, f"SELECT {columns} FROM core.reviews ORDER BY source, review_id")  # noqa: S608


def everything(context):
    """Return all that stands in the lake, as one text."""
    found = []
    for name in context.lake.names(""):
        content = context.lake.read(name)
        found.append(gzip.decompress(content) if name.endswith(".gz") else content)
        found.append(name.encode())
    return b"\n".join(found).decode()


def test_rows_become_reviews(context):
    imported = bring([a_row(1), a_row(2, film=OTHER, stars="", date="", spoiler="yes")], context)
    assert imported.read.reviews == 2
    assert imported.loaded == {
        MOVIE: jobs.Loaded(inserted=1), OTHER: jobs.Loaded(inserted=1)
    }  # fmt: skip
    first, second = stored(context)
    assert (first["source"], first["review_id"], first["imdb_id"]) == ("survey", "1", MOVIE)
    assert (first["rating_1_10"], first["submitted_on"], first["date_source"]) == (
        8, date(2024, 5, 1), "file",
    )  # fmt: skip
    assert first["body"] == 'The acting is wonderful, and it is answer number 1, "so to say".'
    assert first["author_key"] == author_key("survey", "Invented Person 1", SECRET.encode())
    assert (first["helpful_up"], first["helpful_down"], first["language"]) == (3, None, "en")
    assert (second["imdb_id"], second["is_spoiler"]) == (OTHER, True)
    assert second["rating_1_10"] is second["submitted_on"] is second["date_source"] is None
    assert (
        query(context, "SELECT title FROM core.movies WHERE imdb_id = %s", OTHER)[0]["title"]
        == OTHER
    )


def test_the_ledger_the_lake_and_the_source_say_what_happened(context):
    before = datetime.now(UTC)
    imported = bring([a_row(n) for n in range(3)], context)
    (line,) = query(context, "SELECT * FROM ops.collections")
    assert (line["source"], line["mode"], line["status"]) == ("survey", "import", "complete")
    assert (line["distinct_ids"], line["inserted_rows"], line["variant"]) == (3, 3, "csv")
    assert line["sentence"] == "From the file answers.csv."
    manifest = context.lake.read_manifest(imported.manifest_uris[MOVIE])
    assert context.lake.manifests("survey", MOVIE) == [line["manifest_uri"]]
    assert manifest.is_dated
    assert before <= manifest.started_at <= datetime.now(UTC)
    assert stored(context)[0]["first_seen_at"] == manifest.started_at
    (source,) = query(context, "SELECT * FROM ops.file_sources")
    assert source["rights_note"].startswith("Answers to our own survey; item 4")
    assert source["map"]["rating"] == {"column": "stars", "scale": 5}
    bring([a_row(1)], context, MAP.replace("item 4", "item 5"))
    (again,) = query(context, "SELECT * FROM ops.file_sources")
    assert "item 5" in again["rights_note"]
    assert again["first_used_at"] == source["first_used_at"] < again["last_used_at"]


def test_no_name_and_no_other_column_is_stored_anywhere(context, tmp_path):
    bring([a_row(1), a_row(2, film="tt9")], context, rejects=tmp_path / "rejects.csv")
    everything_stored = everything(context) + "".join(
        json.dumps(query(context, f"SELECT * FROM {name}"), default=str)  # noqa: S608
        for name in ("core.reviews", "ops.collections", "ops.file_sources", "ops.loads")
    )
    assert "wonderful" in everything_stored
    assert "Invented Person" not in everything_stored
    assert "555-0100" not in everything_stored
    # The rejects are the user's own, and hold all of theirs.
    assert "Invented Person 2" in (tmp_path / "rejects.csv").read_text()


def test_the_same_file_twice_changes_no_row(context):
    rows = [a_row(n) for n in range(50)]
    bring(rows, context)
    before = stored(context, "xmin::text, *")
    again = bring(rows, context)
    assert again.loaded == {MOVIE: jobs.Loaded()}
    bring(list(reversed(rows)), context)
    assert stored(context, "xmin::text, *") == before
    without_id = MAP.replace("review_id: no\n", "").replace("survey", "made")
    bring(rows, context, without_id)
    before = stored(context, "xmin::text, *")
    assert len(before) == 100
    assert bring(rows, context, without_id).loaded == {MOVIE: jobs.Loaded()}
    assert stored(context, "xmin::text, *") == before


def test_a_later_file_edits_and_never_removes(context):
    bring([a_row(1), a_row(2), a_row(3)], context)
    edited = bring([a_row(2, text="I changed my mind: dull."), a_row(4)], context)
    assert edited.loaded == {MOVIE: jobs.Loaded(inserted=1, revised=1, updated=1)}
    found = {row["review_id"]: row for row in stored(context)}
    assert set(found) == {"1", "2", "3", "4"}
    assert all(row["removed_at"] is None for row in found.values())
    assert found["2"]["body"] == "I changed my mind: dull."
    (revision,) = query(context, "SELECT * FROM core.review_revisions")
    assert revision["review_id"] == "2"
    assert revision["body"].startswith("The acting is wonderful")


def test_without_ids_an_edited_text_is_another_review(context):
    mapping = MAP.replace("review_id: no\n", "")
    bring([a_row(1)], context, mapping)
    edited = bring([a_row(1, text="Another text."), a_row(1, up="9")], context, mapping)
    assert edited.loaded == {MOVIE: jobs.Loaded(inserted=1, updated=1)}
    assert len(stored(context)) == 2


def test_any_order_of_rows_gives_the_same_tables(context, empty_database, tmp_path):
    rows = [a_row(n, film=f"tt9900000{n % 7}") for n in range(300)]
    bring(rows, context)
    shuffled = rows[:]
    random.Random(5).shuffle(shuffled)
    other = parts_of(empty_database, (tmp_path / "other").as_uri())
    jobs.setup_warehouse(other)
    bring(shuffled, other)
    columns = "source, review_id, imdb_id, author_key, title, body, rating_1_10, content_hash"
    assert stored(other, columns) == stored(context, columns)
    assert len(stored(context)) == 300


def test_a_large_movie_lies_in_small_parts(context, monkeypatch):
    monkeypatch.setattr(import_tables, "BATCH_REVIEWS", 20)
    uri = bring([a_row(n) for n in range(50)], context).manifest_uris[MOVIE]
    manifest = context.lake.read_manifest(uri)
    assert len(manifest.parts) == 3
    assert [r.review_id for r in context.lake.read_reviews(uri, manifest)] == [
        str(n) for n in range(50)
    ]


def test_rebuild_brings_back_the_same_rows(context):
    bring([a_row(1), a_row(2, film=OTHER)], context)
    bring([a_row(1, text="Edited.")], context)
    before = stored(context, "xmin::text, *")
    rebuilt = jobs.rebuild(context)
    assert rebuilt.loaded == jobs.Loaded()
    assert stored(context, "xmin::text, *") == before
    query(context, "DELETE FROM core.reviews")
    jobs.rebuild(context)
    assert stored(context) == [{k: v for k, v in row.items() if k != "xmin"} for row in before]


def test_all_formats_give_the_same_reviews(context):
    rows = [a_row(1), a_row(2, headline="NA", stars="3,5"), a_row(3, date="2.12.2023", up="")]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    for row in rows:
        day = datetime.strptime(row["date"], "%d.%m.%Y").replace(tzinfo=None)  # noqa: DTZ007
        stars = float(row["stars"].replace(",", "."))
        book.active.append([*(row | {"date": day, "stars": stars, "no": int(row["no"])}).values()])
    workbook = io.BytesIO()
    book.save(workbook)
    bring(rows, context)
    before = stored(context, "xmin::text, *")
    for name, content in (("a.jsonl", lines), ("a.xlsx", workbook.getvalue())):
        assert bring(content, context, name=name).loaded == {MOVIE: jobs.Loaded()}, name
    assert stored(context, "xmin::text, *") == before


# What is refused


def bad_rows():
    return [
        a_row(1),
        a_row(2, stars="6"),
        a_row(3, date="2024-02-30"),
        a_row(4, text=""),
        a_row(5, film="tt1", stars="five"),
        a_row(6, date="1.1.2999"),
        a_row(7, text="x" * 100_001),
        a_row(8),
        a_row(8),
        a_row(8, text="Another."),
        a_row(9, film=OTHER, no="1"),
    ]


def told(groups):
    return {kind: (group.count, group.numbers) for kind, group in groups.items()}


def test_bad_rows_are_refused_with_why_and_good_ones_load(context, tmp_path):
    rejects = tmp_path / "rejects.csv"
    content = as_csv(bad_rows()) + b'tt99000001,77,short\ntt99000001,78,"an "open" one\n'
    imported = bring(content, context, rejects=rejects)
    read = imported.read
    assert (read.rows, read.reviews, read.repeated, read.refused) == (13, 5, 1, 7)
    assert [row["review_id"] for row in stored(context)] == ["1", "2", "3", "6", "8"]
    assert told(read.groups) == {
        "empty": (1, [5]), "movie": (1, [6]), "rating": (1, [6]), "too long": (1, [8]),
        "id": (2, [11, 12]), "row": (2, [13, 14]),
    }  # fmt: skip
    assert told(read.unread) == {"rating": (1, [3]), "submitted_on": (2, [4, 7])}
    optional = {
        row["review_id"]: (row["rating_1_10"], row["submitted_on"]) for row in stored(context)
    }
    day = date(2024, 5, 1)
    assert optional == {
        "1": (8, day), "2": (None, day), "3": (8, None), "6": (8, None), "8": (8, day)
    }  # fmt: skip
    with rejects.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["filmpulse_row"] for line in lines] == [str(n) for n in (5, 6, 8, *range(11, 15))]
    why = {line["filmpulse_row"]: line["filmpulse_why"] for line in lines}
    assert why["6"] == ("“tt1” is no IMDb id (tt and 7 to 9 digits); “five” is no rating of 5")
    assert why["11"] == "row 9 has the id 8 too, and says something else"
    assert why["12"] == "row 2 has the id 1 too, and says something else"
    assert why["13"] == "it has 3 cells where the header has 10"
    assert lines[1]["text"] == a_row(5)["text"]
    assert lines[1]["who"] == "Invented Person 5"


def test_rejects_that_were_corrected_are_imported_with_the_same_map(context, tmp_path):
    rejects = tmp_path / "answers.rejects.csv"
    mapping = MAP + "delimiter: ';'\nencoding: windows-1252\n"
    content = as_csv([a_row(1), a_row(2, film="tt6", headline="Café")]).decode()
    lines = [";".join(f'"{c}"'.replace("\"so to say\"", '""so to say""') for c in row)
             for row in csv.reader(io.StringIO(content))]  # fmt: skip
    bring("\r\n".join(lines).encode("cp1252"), context, mapping, rejects=rejects)
    corrected = rejects.read_bytes().replace(b";tt6;", b";99000001;")
    assert bring(corrected, context, mapping, "answers.rejects.csv").read.refused == 0
    assert [(row["review_id"], row["title"]) for row in stored(context)] == [
        ("1", "Heading 1"), ("2", "Café"),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252", "utf-8", "utf-16"])
@pytest.mark.parametrize("waits", [False, True])
def test_rejects_are_written_as_the_map_reads_them(context, tmp_path, encoding, waits):
    mapping = MAP + f"encoding: {encoding}\ndelimiter: tab\nescape: '\\'\nheader_row: 4\n"
    text = 'A \\ "quoted"\tcafé,\nof two lines.'
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t", escapechar="\\")
    writer.writerows([["A survey"], [], ["of spring"], COLUMNS])
    writer.writerow(a_row(1, film="tt1", text=text).values())
    writer.writerow(a_row(2).values())
    content, name = out.getvalue().encode(encoding), "answers.tsv"
    if waits:
        drop(context, content, mapping, name)
        take(context)
        rejects = context.lake.read(f"inbox/failed/{name}.rejects.csv")
    else:
        bring(content, context, mapping, name, rejects=tmp_path / "rejects.csv")
        rejects = (tmp_path / "rejects.csv").read_bytes()
    wrong, right = (
        f"\t{movie}\t".encode(encoding.replace("16", "16-le")) for movie in ("tt1", MOVIE)
    )
    assert rejects.count(wrong) == 1
    read = bring(rejects.replace(wrong, right), context, mapping.replace("author: who\n", "")).read
    assert (read.rows, read.reviews, read.refused) == (1, 1, 0)
    assert {row["review_id"]: row["body"] for row in stored(context)}["1"] == (
        'A \\ "quoted" café,\nof two lines.'
    )


def test_no_rejects_leave_no_file(context, tmp_path):
    bring([a_row(1)], context, rejects=tmp_path / "rejects.csv")
    assert not (tmp_path / "rejects.csv").exists()


def test_rejects_that_cannot_be_written_stop_the_import(context, tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        bring([a_row(1), a_row(2, film="tt6")], context, rejects=tmp_path / "no" / "rejects.csv")
    assert not stored(context)


def test_an_id_of_another_movie_is_refused_and_harms_nothing(context):
    bring([a_row(1)], context)
    before = stored(context, "xmin::text, *")
    imported = bring([a_row(1, film=OTHER, text="Mine."), a_row(2, film=OTHER)], context)
    assert imported.read.groups["id"].sentence == f"the id 1 is that of a review of {MOVIE}"
    assert imported.loaded == {OTHER: jobs.Loaded(inserted=1)}
    assert stored(context, "xmin::text, *")[0] == before[0]
    both = [a_row(1), a_row(1, film=OTHER)]
    for _ in range(2):
        again = bring(both, context)
        assert (again.read.reviews, again.read.groups["id"].numbers) == (1, [3])
    # Another source may use the same ids.
    bring([a_row(1, film=OTHER)], context, MAP.replace("survey", "festival"))
    assert len(stored(context)) == 3


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (as_csv([a_row(n) for n in range(1500)]) + "tt99000001,é".encode("latin-1"), "a.csv",
         "not written in utf-8"),
        (b"", "a.csv", "is empty"),
        (as_csv([]), "a.csv", "holds no row"),
        (as_csv([a_row(1)]).replace(b"headline", b"title"), "a.csv", "no column headline"),
        (b"".join(json.dumps(a_row(n)).encode() + b"\n" for n in range(1500)) + b"\xff", "a.jsonl",
         "not written in utf-8"),
        (b'{"text": "x"}\n' * 1500, "a.jsonl", "no column film"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_off_leaves_nothing(context, content, name, said):
    with pytest.raises(BadInput, match=said):
        bring(content, context, name=name)
    assert not stored(context)
    assert not query(context, "SELECT FROM ops.file_sources")
    assert context.lake.names("") == []


def test_a_file_of_which_nothing_can_be_used_stores_nothing(context):
    imported = bring([a_row(1, film="x"), a_row(2, film="y")], context)
    assert (imported.read.reviews, imported.read.refused) == (0, 2)
    assert not imported.manifest_uris
    assert not query(context, "SELECT FROM ops.file_sources")


def test_authors_need_the_key_of_the_hash(warehouse_url, tmp_path):
    context = jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri())
    )
    with pytest.raises(BadInput, match="FILMPULSE_AUTHOR_SECRET"):
        bring([a_row(1)], context)
    assert bring([a_row(1)], context, MAP.replace("author: who\n", "")).read.reviews == 1


def test_a_trial_stores_nothing_at_all(context):
    def state():
        with context.warehouse.connect() as connection:
            names = connection.execute(
                "SELECT schemaname || '.' || tablename AS name FROM pg_tables "
                "WHERE schemaname IN ('core', 'ops') ORDER BY 1"
            ).fetchall()
            return {
                row["name"]: connection.execute(
                    f"SELECT count(*) AS n FROM {row['name']}"  # noqa: S608
                ).fetchone()["n"]
                for row in names
            }

    before = state()
    assert len(before) > 10
    read = jobs.check_table(io.BytesIO(as_csv(bad_rows())), "a.csv", read_map(MAP), context)
    assert (read.rows, read.reviews, read.refused) == (11, 5, 5)
    assert told(read.unread) == {"rating": (1, [3]), "submitted_on": (2, [4, 7])}
    assert [review.review_id for review in read.first] == ["1", "2", "3", "6", "8"]
    assert state() == before
    assert context.lake.names("") == []


def test_what_broke_off_is_finished_by_the_next_import(context, monkeypatch):
    rows = [a_row(n, film=f"tt9900000{n}") for n in range(4)]
    load = import_tables.load

    def breaking(uri, context):
        if "tt99000002" in uri:
            raise LakeUnavailable("The lake did not answer.")
        return load(uri, context)

    monkeypatch.setattr(import_tables, "load", breaking)
    with pytest.raises(LakeUnavailable):
        bring(rows, context)
    assert len(stored(context)) == 2
    monkeypatch.undo()
    bring(rows, context)
    assert [row["review_id"] for row in stored(context)] == ["0", "1", "2", "3"]
    found = jobs.rebuild(context).loaded  # what lay in the lake is older, and says the same
    assert (found.inserted, found.revised, found.removed) == (0, 0, 0)


def test_one_movie_never_stops_another(context, monkeypatch):
    load = import_tables.load

    def breaking(uri, context):
        if MOVIE in uri:
            raise BadInput("Its history has a hole.")
        return load(uri, context)

    monkeypatch.setattr(import_tables, "load", breaking)
    imported = bring([a_row(1), a_row(2, film=OTHER)], context)
    assert str(imported.failures[MOVIE]) == "Its history has a hole."
    assert [row["imdb_id"] for row in stored(context)] == [OTHER]


# Coverage


def site_reviews(context, count, announced):
    """Let the site have so many living reviews, and announce a number (None: nothing)."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    with context.warehouse.connect() as connection, changing(connection, MOVIE):
        store_movie(connection, Movie(imdb_id=MOVIE, title="The Glass Orchard"), at)
        if announced is not None:
            store_snapshot(connection, Snapshot(imdb_id=MOVIE, taken_at=at, review_count=announced))
        found = [
            Review(review_id=f"rw{n}", imdb_id=MOVIE, title="t", body=f"{n}") for n in range(count)
        ]
        load_reviews(
            connection, source="imdb", imdb_id=MOVIE,
            sighting=Sighting(at, False, True, [(r, "en") for r in found]),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("site", "announced", "files", "coverage", "known"),
    [
        (10, 40, 0, 0.25, 40),  # as before
        (10, 40, 20, 0.5, 60),  # 30 of 40 + 20
        (0, 40, 10, 0.2, 50),
        (0, None, 10, 1, 10),  # the site was never asked: all that we know of, we read
        (0, 0, 10, 1, 10),
        (10, None, 10, None, None),  # nobody knows how many the site has
        (10, None, 0, None, None),
        (0, None, 0, None, None),
        (0, 0, 0, None, 0),
        (0, 40, 0, 0, 40),
    ],
)
def test_coverage_is_what_we_read_of_what_we_know_to_exist(
    context, site, announced, files, coverage, known
):
    site_reviews(context, site, announced)
    if files:
        bring([a_row(n) for n in range(files)], context)
    (movie,) = query(context, "SELECT * FROM mart.movies WHERE imdb_id = %s", MOVIE)
    assert (movie["reviews"], movie["known_reviews"]) == (site + files, known)
    found = movie["coverage"]
    assert (found if found is None else float(found)) == coverage
    assert movie["collection_status"] is None
    assert (movie["imported_at"] is not None) == (files > 0)


def test_a_removed_review_of_the_site_counts_no_longer(context):
    site_reviews(context, 10, 20)
    bring([a_row(n) for n in range(20)], context)
    gone = "UPDATE core.reviews SET removed_at = now() WHERE review_id IN ('rw1', 'rw2')"
    with context.warehouse.connect() as connection, changing(connection, MOVIE):
        connection.execute(gone)
    (movie,) = query(context, "SELECT * FROM mart.movies")
    assert (movie["reviews"], movie["known_reviews"], float(movie["coverage"])) == (28, 40, 0.7)


def test_files_alone_can_be_enough_and_the_reader_sees_it(warehouse_url, tmp_path):
    import psycopg
    from psycopg.rows import dict_row
    from rich.console import Console

    from filmpulse.report import print_summary

    context = parts_of(warehouse_url, (tmp_path / "lake").as_uri(), reader_password="invented")
    jobs.setup_warehouse(context)
    bring([a_row(n) for n in range(40)], context)
    jobs.analyse(MOVIE, context)
    reader = psycopg.conninfo.make_conninfo(
        warehouse_url, user="filmpulse_reader", password="invented"
    )
    with psycopg.connect(reader, row_factory=dict_row) as connection:
        movie = connection.execute("SELECT * FROM mart.movies").fetchone()
        aspects = connection.execute(
            "SELECT * FROM mart.movie_aspects WHERE aspect = 'acting'"
        ).fetchone()
    assert (movie["is_enough"], movie["scored_reviews"], movie["coverage"]) == (True, 40, 1)
    assert (aspects["mentions"], aspects["is_enough"]) == (40, True)
    console = Console(file=io.StringIO(), width=120)
    print_summary(jobs.summary(MOVIE, context), console)
    assert "40 of 40 reviews (coverage 100%)" in console.file.getvalue()


def test_files_are_no_news_and_no_collection_of_the_site(context):
    bring([a_row(1)], context)
    assert known_reviews(context.warehouse, imdb_id=MOVIE, source="imdb") == []
    assert query(context, "SELECT FROM core.movie_snapshots") == []


# The inbox


def drop(context, rows, mapping=MAP, name="answers.csv"):
    content = rows if isinstance(rows, bytes) else as_csv(rows)
    if mapping is not None:
        context.lake.write(f"inbox/{name}.map.yaml", mapping.encode())
    context.lake.write(f"inbox/{name}", content)


def take(context, run_id="scheduled__1"):
    names = jobs.plan_import(context)
    return names, [jobs.import_file(name, run_id, context) for name in names]


def test_a_table_that_was_dropped_with_its_map_is_imported(context):
    drop(context, [a_row(1), a_row(2, film=OTHER)])
    names, (imported,) = take(context)
    assert names == ["answers.csv"]
    assert imported.imdb_ids == [MOVIE, OTHER]
    assert [row["review_id"] for row in stored(context)] == ["1", "2"]
    assert context.lake.names("inbox") == []
    lines = query(context, "SELECT DISTINCT run_id FROM ops.collections")
    assert [line["run_id"] for line in lines] == ["scheduled__1/answers.csv"]
    jobs.analyse(MOVIE, context)
    jobs.analyse(OTHER, context)
    told = jobs.summarise_import("r1", names, [imported], context)
    assert told.lines == [
        f"answers.csv: {movie}: complete. 1 new, 0 edited." for movie in (MOVIE, OTHER)
    ]
    assert told.changed_rows == 2
    drop(context, [a_row(1), a_row(2, film=OTHER)])
    before = stored(context, "xmin::text, *")
    names, again = take(context)
    assert jobs.summarise_import("r1", names, again, context).changed_rows == 0
    assert stored(context, "xmin::text, *") == before


def test_fields_of_the_inbox_that_cannot_be_read_are_counted(context):
    drop(context, [a_row(1, stars="6"), a_row(2, stars="7", date="2.13.2024")])
    names, imported = take(context)
    jobs.analyse(MOVIE, context)
    summary = jobs.summarise_import("r1", names, imported, context)
    assert [(page.status, page.reason) for page in imported[0].pages] == [
        ("complete", None), ("partial", "fields_unread"),
    ]  # fmt: skip
    assert "rating in 2 rows, submitted_on in 1 row." in summary.lines[-1]
    assert context.lake.names("inbox") == []


def test_a_json_file_with_a_map_is_a_table_and_one_without_is_a_page(context):
    rows = [a_row(1), a_row(2, film=OTHER)]
    drop(context, json.dumps(rows).encode(), name="answers.json")
    drop(context, gzip.compress(as_csv([a_row(3)])), name="answers.csv.gz")
    drop(context, b'{"data": {"title": null}}', None, name="answer.json")
    _, imported = take(context)
    assert [row["review_id"] for row in stored(context)] == ["1", "2", "3"]
    assert [one.imdb_ids for one in imported] == [[], [MOVIE], [MOVIE, OTHER]]
    assert not [name for name in context.lake.names("inbox") if "answers" in name]


def test_an_erasure_takes_refused_rows_of_every_form(context):
    rows = [a_row(1), a_row(2, film="x")]
    forms = {
        "a.json": json.dumps(rows).encode(), "a.csv": as_csv(rows),
        "a.csv.gz": gzip.compress(as_csv(rows)),
    }  # fmt: skip
    for name, content in forms.items():
        drop(context, content, name=name)
    take(context)
    assert set(context.lake.names("inbox")) == {
        f"inbox/failed/{name}.rejects.csv" for name in forms
    }
    assert jobs.erase("review", "1", context, "survey").reviews == 1
    assert context.lake.names("inbox") == []


def test_refused_rows_of_the_inbox_lie_in_failed_without_names(context):
    drop(context, as_csv([a_row(1), a_row(2, film="tt6")]) + b"tt99000001,Invented Person 3\n")
    names, imported = take(context)
    assert [row["review_id"] for row in stored(context)] == ["1"]
    assert context.lake.names("inbox") == ["inbox/failed/answers.csv.rejects.csv"]
    rejects = context.lake.read("inbox/failed/answers.csv.rejects.csv").decode()
    assert "“tt6” is no IMDb id" in rejects
    assert "it has 2 cells where the header has 10" in rejects
    assert "Invented Person" not in rejects
    assert "555-0100" not in rejects
    jobs.analyse(MOVIE, context)
    told = jobs.summarise_import("r1", names, imported, context)
    assert "2 of 3 rows refused: inbox/failed/answers.csv.rejects.csv" in told.lines[-1]


@pytest.mark.parametrize(
    ("rows", "mapping", "said"),
    [
        ([a_row(1)], None, "no map of its columns beside it: inbox/answers.csv.map.yaml"),
        ([a_row(1)], MAP + "bodi: x\n", "`bodi` is unknown"),
        ([a_row(1)], MAP.replace("source: survey\n", ""), "`source` is missing"),
        ([a_row(1)], MAP.replace("text", "words"), "no column words"),
        ([a_row(1, film="x")], MAP, "No row of it can be used"),
        (b"\xff\xfe\xff", MAP, "not written in"),
    ],
)
def test_of_a_table_that_cannot_be_used_reason_name_and_hash_are_kept(context, rows, mapping, said):
    drop(context, rows, mapping)
    names, (imported,) = take(context)
    told = jobs.review_import("r1", names, [imported], context)
    assert len(told.failures) == 1
    assert said in told.failures[0]
    assert jobs.plan_import(context) == []
    kept = {n for n in context.lake.names("inbox") if not n.endswith(".rejects.csv")}
    assert kept == {"inbox/failed/answers.csv.reason.txt"}
    reason = context.lake.read("inbox/failed/answers.csv.reason.txt").decode()
    assert said in reason
    content = rows if isinstance(rows, bytes) else as_csv(rows)
    digest = sha256(content).hexdigest()
    assert reason.endswith(f"file: answers.csv\nsha256: {digest}\nreason: bad_input\n")
    assert "Invented Person" not in everything(context)
    assert not stored(context)
    drop(context, [a_row(1)])  # corrected
    names, _ = take(context)
    assert len(stored(context)) == 1
    assert context.lake.names("inbox") == []


def test_a_broken_off_import_of_the_inbox_makes_no_second_collection(context, monkeypatch):
    drop(context, [a_row(n, film=f"tt9900000{n}") for n in range(3)])
    load = import_tables.load

    def breaking(uri, context):
        if "tt99000001" in uri:
            raise LakeUnavailable("The lake did not answer.")
        return load(uri, context)

    monkeypatch.setattr(import_tables, "load", breaking)
    with pytest.raises(LakeUnavailable):
        take(context)
    assert jobs.plan_import(context) == ["answers.csv"]
    monkeypatch.undo()
    take(context, "scheduled__2")
    assert len(stored(context)) == 3
    assert len(context.lake.manifests()) == 3
    assert context.lake.names("inbox") == []


def test_a_table_is_added_clean_and_gives_the_same_reviews(context, tmp_path):
    path = tmp_path / "Réponses 2026.csv"
    path.write_bytes(as_csv([a_row(1), a_row(2, film="tt6"), a_row(3, film=OTHER, headline="")]))
    mapping = read_map(MAP.replace("review_id: no\n", ""))
    rejects = tmp_path / "rejects.csv"
    with jobs.open_table(path) as file:
        read, added = jobs.add_table(file, path.name, mapping, context, rejects)
    assert added.is_new
    assert (read.reviews, read.refused) == (2, 1)
    assert "Invented Person 2" in rejects.read_text()
    in_lake = everything(context)
    assert "wonderful" in in_lake
    assert "Invented Person" not in in_lake
    assert "555-0100" not in in_lake
    with jobs.open_table(path) as file:
        _, known = jobs.add_table(file, path.name, mapping, context, rejects)
    assert (known.name, known.is_new) == (added.name, False)
    assert jobs.plan_import(context) == [added.name]
    (names, (imported,)) = take(context)
    assert jobs.review_import("r1", names, [imported], context).changed_rows == 2
    before = stored(context, "xmin::text, *")
    assert len(before) == 2
    # The same file straight away: the same ids, authors and texts.
    assert set(bring(path.read_bytes(), context, mapping).loaded.values()) == {jobs.Loaded()}
    assert stored(context, "xmin::text, *") == before
    (source,) = query(context, "SELECT * FROM ops.file_sources")
    assert "item 4" in source["rights_note"]


def test_an_erased_author_does_not_come_back_by_a_file(context):
    bring([a_row(1), a_row(2)], context)
    key = jobs.find_key("author", "Invented Person 1", "survey", context.settings)
    assert jobs.erase("author", key, context, "survey").reviews == 1
    bring([a_row(1), a_row(2), a_row(7, who="Invented Person 1")], context)
    drop(context, [a_row(1), a_row(8, who="Invented Person 1")])
    take(context)
    assert [row["review_id"] for row in stored(context)] == ["2"]
    notes = "".join(context.lake.read(n).decode() for n in context.lake.names("erasures"))
    assert everything(context).count(key) == notes.count(key)


def test_an_erased_author_does_not_even_reach_the_lake_by_a_file(context, monkeypatch):
    bring([a_row(1), a_row(2)], context)
    key = jobs.find_key("author", "Invented Person 1", "survey", context.settings)
    jobs.erase("author", key, context, "survey")

    def breaking(uri, context):
        raise LakeUnavailable("The lake did not answer.")

    monkeypatch.setattr(import_tables, "load", breaking)
    with pytest.raises(LakeUnavailable):
        bring([a_row(1), a_row(5)], context)
    for uri in context.lake.manifests():
        manifest = context.lake.read_manifest(uri)
        assert key not in {r.author_key for r in context.lake.read_reviews(uri, manifest)}


def test_a_table_of_a_movie_that_is_erased_meanwhile_is_not_kept(context, monkeypatch):
    drop(context, [a_row(1), a_row(2, film=OTHER)])
    load = import_tables.load

    def erased_meanwhile(uri, context):
        if MOVIE in uri:
            jobs.erase("movie", MOVIE, context)
        return load(uri, context)

    monkeypatch.setattr(import_tables, "load", erased_meanwhile)
    _, (imported,) = take(context)
    assert [page.reason for page in imported.pages] == ["erased", None]
    assert "waits" not in imported.pages[0].line
    assert [row["imdb_id"] for row in stored(context)] == [OTHER]
    assert context.lake.names("inbox") == []
    assert context.lake.manifests(imdb_id=MOVIE) == []


def test_too_many_movies_for_the_inbox(context, monkeypatch):
    monkeypatch.setattr(import_tables, "MOST_MOVIES_WAITING", 2)
    drop(context, [a_row(n, film=f"tt9900000{n}") for n in range(3)])
    _, (imported,) = take(context)
    assert "more than 2 movies" in imported.pages[0].line
    assert not stored(context)


def test_through_s3(warehouse_url, s3):
    context = parts_of(
        warehouse_url, "s3://filmpulse/tables", lake_endpoint_url=s3.url, lake_key=s3.key,
        lake_secret=s3.secret,
    )  # fmt: skip
    drop(context, [a_row(1)])
    take(context)
    bring([a_row(2)], context)
    assert [row["review_id"] for row in stored(context)] == ["1", "2"]
    assert context.lake.names("inbox") == []


# The command line


@pytest.fixture
def run(context, monkeypatch):
    from typer.testing import CliRunner

    from filmpulse import cli

    monkeypatch.setattr(cli.common, "job_context", lambda: context)

    def invoke(*words):
        found = CliRunner().invoke(cli.app, [str(word) for word in words])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return invoke


def test_the_command_line(run, context, tmp_path):
    table, map_file = tmp_path / "answers.csv", tmp_path / "map.yaml"
    table.write_bytes(as_csv(bad_rows()))
    map_file.write_text(MAP.replace("source: survey\n", "").replace("rights", "# rights"))
    words = ["import", "reviews", table, "--map", map_file, "--source", "survey"]
    with pytest.raises(BadInput, match="`rights` is missing: a note on why you may use this file"):
        run(*words)
    words += ["--rights", "Ours: item 4."]
    trial = run(*words, "--dry-run")
    assert trial.exit_code == 0
    assert "11 rows: 5 reviews, 1 say what another row says, 5 refused." in trial.output
    assert "id: 2 rows refused (11, 12). Row 11: row 9 has the id 8 too" in trial.output
    assert "rating: left empty in 1 row (3). Row 3: “6” lies outside 0 to 5." in trial.output
    assert "submitted_on: left empty in 2 rows (4, 7). Row 4: “2024-02-30”" in trial.output
    assert "Nothing was stored." in trial.output
    assert not stored(context)
    assert not (tmp_path / "answers.rejects.csv").exists()
    done = run(*words)
    assert done.exit_code == 0
    assert f"{MOVIE} ({MOVIE})" not in done.output
    assert "5 new, 0 edited" in done.output
    assert "rating: left empty in 1 row (3)" in done.output
    assert "answers.rejects.csv" in done.output
    assert len((tmp_path / "answers.rejects.csv").read_text().splitlines()) == 6
    assert query(context, "SELECT count(*) AS n FROM core.review_analyses")[0]["n"] == 5
    again = run(*words, "--no-analyse")
    assert "nothing new" in again.output
    table.write_bytes(as_csv([a_row(1, film="x")]))
    assert run(*words).exit_code == 1
    with pytest.raises(BadInput, match="read and written at once"):
        run(*words, "--rejects", table)
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        run("import", "reviews", tmp_path / "no.csv", *words[3:])


def test_the_command_line_of_the_inbox(run, context, tmp_path):
    table, map_file = tmp_path / "answers.csv", tmp_path / "map.yaml"
    table.write_bytes(as_csv([a_row(1, stars="6"), a_row(2, film="tt6")]))
    map_file.write_text(MAP)
    bare = run("inbox", "add", table)
    assert bare.exit_code == 1
    assert "needs --map" in bare.output
    added = run("inbox", "add", table, "--map", map_file)
    assert added.exit_code == 0
    assert "1 of 2 rows can be used, under survey." in added.output
    assert "answers.rejects.csv" in added.output
    assert "rating: left empty in 1 row (2)" in added.output
    assert "answers-" in run("inbox", "list").output
    loaded = run("inbox", "load")
    assert loaded.exit_code == 0
    assert "complete. 1 new" in loaded.output
    assert len(stored(context)) == 1


# Memory

MEASURE = """
import io, resource, sys
from pathlib import Path
from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.sources.tables.mapping import read_map
url, lake = sys.argv[1:3]
settings = Settings(warehouse_url=url, lake_url=lake, author_secret="x")
parts = jobs.Context.from_settings(settings)
path = Path(sys.argv[3])
with path.open("rb") as file:
    read = jobs.check_table(file, path.name, read_map(Path(sys.argv[4]).read_text()), parts)
print(read.reviews, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(context, tmp_path):
    (tmp_path / "map.yaml").write_text(MAP)
    peaks = {}
    for count in (2_000, 100_000):
        path = tmp_path / f"{count}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for n in range(count):
                row = a_row(n, film=f"tt9900{n % 997:04}", text=f"Answer {n}. " + "So it is. " * 40)
                writer.writerow(row)
        words = [
            sys.executable, "-c", MEASURE, context.warehouse.url, context.settings.lake_url,
            str(path), str(tmp_path / "map.yaml"),
        ]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        reviews, peak = map(int, done.stdout.split())
        assert reviews == count
        peaks[count] = peak / 1024
        size = path.stat().st_size / 2**20
    assert size > 40
    grown = peaks[100_000] - peaks[2_000]
    assert grown < size / 3, f"{peaks} MB for a file of {size:.0f} MB"
