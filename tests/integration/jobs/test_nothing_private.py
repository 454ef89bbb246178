"""Whatever lies in the inbox, nothing private stays in lake, warehouse or logs, read or refused."""

from __future__ import annotations

import io
import logging
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from private import CASES, FORMS, PAGES, page, told
from psycopg import sql

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import LayoutChanged
from filmpulse.items import Page
from filmpulse.jobs.reception.visit import quarantine
from filmpulse.sources.imdb.source import SOURCE

MOVIE = "tt7000001"
NOTE_THAT_CANNOT_BE_READ = b"{"
HTML_CASES = [case for case in CASES if not case.startswith(("imdb.GraphQL", "imdb.Sugg"))]
# A page with all kinds of data, cards alone, the oldest markup, a title page.
SOME_CASES = [
    "imdb.ReviewsPage/request_context", "imdb.ReviewsPage/dom_opened",
    "imdb.ReviewsPage/markup_until_2024", "imdb.TitlePage/featured_review_2026",
]  # fmt: skip


@pytest.fixture
def context(warehouse_url, tmp_path):
    settings = Settings(
        warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(), author_secret="s"
    )
    return jobs.Context.from_settings(settings)


def file_name(case, form):
    return f"{case.replace('/', '-')} {form}.html"


def packed(cases, form):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for case in cases:
            file.writestr(file_name(case, form), FORMS[form](page(case)))
    return archive.getvalue()


def import_all(context):
    names = jobs.plan_import(context)
    imported = [jobs.import_file(name, "run", context) for name in names]
    told_of = jobs.review_import("run", names, imported, context)
    for line in (*told_of.lines, *told_of.warnings, *told_of.failures):
        logging.getLogger("summary").info(line)
    return [one for file in imported for one in file.pages]


def in_lake(context):
    names = context.lake.names("")
    return {name: told(name) + told(context.lake.read(name)) for name in names}


def in_warehouse(context):
    """Return what is told of people by each row of every table, all columns as text."""
    found = {}
    with context.warehouse.connect() as connection:
        tables = connection.execute(
            "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for table in tables:
            named = sql.Identifier(table["schema"], table["name"])
            rows = connection.execute(sql.SQL("SELECT t::text AS row FROM {} t").format(named))
            found[f"{table['schema']}.{table['name']}"] = told("\n".join(r["row"] for r in rows))
    return found


def assert_nothing_private(context, caplog, capfd):
    places = in_lake(context) | in_warehouse(context)
    places |= {"log": told(caplog.text), "printed": told("".join(capfd.readouterr()))}
    assert len(places) > 10
    assert {place: found for place, found in places.items() if found} == {}


@pytest.fixture(autouse=True)
def _all_is_logged(caplog):
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize("form", FORMS)
def test_every_page_dropped_in_every_form(context, form, caplog, capfd):
    context.lake.write("inbox/all.zip", packed(HTML_CASES, form))
    pages = import_all(context)
    assert len(pages) == len(HTML_CASES)
    left = context.lake.names("inbox")
    assert all(name.startswith(("inbox/done/", "inbox/failed/")) for name in left)
    assert_nothing_private(context, caplog, capfd)


@pytest.mark.parametrize("form", FORMS)
def test_pages_that_fail_or_are_added_in_every_form(context, form, tmp_path, caplog, capfd):
    for case in SOME_CASES:
        name, content = file_name(case, form), FORMS[form](page(case))
        (tmp_path / name).write_bytes(content)
        jobs.add_to_inbox(tmp_path / name, context)
        context.lake.write(f"inbox/bad-{name}.meta.json", NOTE_THAT_CANNOT_BE_READ)
        context.lake.write(f"inbox/bad-{name}", content)
        changed = content.replace(b"reviewText", b"words").replace(b"plaidHtml", b"words")
        context.lake.write(f"inbox/changed-{name}", changed)
    pages = import_all(context)
    assert sum(one.status not in ("complete", "partial", "gated") for one in pages) >= len(
        SOME_CASES
    )
    assert not [n for n in context.lake.names("inbox") if n.count("/") < 2]
    assert_nothing_private(context, caplog, capfd)


@pytest.mark.parametrize("form", FORMS)
def test_pages_of_the_site_in_quarantine(context, form, caplog, capfd):
    for case in SOME_CASES:
        text = FORMS[form](page(case)).decode("utf-8", "replace")
        seen = Page(url="x", final_url="x", html=text, status=200, fetched_at=datetime.now(UTC))
        raised = quarantine(SOURCE, MOVIE, seen, LayoutChanged("It changed."), context)
        logging.getLogger("summary").error(str(raised))
    assert len(context.lake.names("quarantine")) == len(SOME_CASES)
    assert_nothing_private(context, caplog, capfd)


def test_answers_and_suggestions(context, caplog, capfd):
    for case in set(CASES) - set(HTML_CASES):
        context.lake.write(f"inbox/{MOVIE} {case.replace('/', '-')}.json", page(case).encode())
    read, refused = sorted(import_all(context), key=lambda one: one.status, reverse=True)
    assert (read.status, refused.reason) == ("partial", "no_reviews")
    assert_nothing_private(context, caplog, capfd)


def test_of_what_cannot_be_cleaned_only_reason_name_and_hash_are_kept(context):
    content = FORMS["source in a page"](page(SOME_CASES[0]))
    context.lake.write("inbox/Saved page.html", content)
    (failed,) = import_all(context)
    assert (failed.status, failed.reason) == ("failed", "not_cleaned")
    (kept,) = context.lake.names("inbox")
    assert kept == f"inbox/failed/{failed.name}.reason.txt"
    lines = context.lake.read(kept).decode().splitlines()
    assert lines[-3:] == [
        "file: Saved page.html", f"sha256: {sha256(content).hexdigest()}", "reason: not_cleaned",
    ]  # fmt: skip
    (listed,) = jobs.list_inbox(context)[1]
    assert (listed.name, listed.reason) == (failed.name, "not_cleaned")
    assert listed.sentence == lines[0]


def test_a_page_that_cannot_be_cleaned_leaves_its_hash_in_quarantine(context):
    text = page(SOME_CASES[0])[:-2000]  # within its data
    seen = Page(url="x", final_url="x", html=text, status=200, fetched_at=datetime.now(UTC))
    raised = quarantine(SOURCE, MOVIE, seen, LayoutChanged("It changed."), context)
    (kept,) = context.lake.names("quarantine")
    assert kept.endswith("-layout_changed.reason.txt")
    assert context.lake.uri_of(kept) in str(raised)
    assert sha256(text.encode()).hexdigest() in context.lake.read(kept).decode()


def test_a_reading_that_quotes_a_value_does_not_log_it(context, caplog):
    """A name where a day was: neither the sentence nor its cause may say it."""
    text = (PAGES / "imdb.ReviewsPage/rows_only/input.html").read_text("utf-8")
    odd = text.replace('"submissionDate":"', '"submissionDate":"Zoë O\'Quill ')
    assert odd != text
    context.lake.write("inbox/odd.html", odd.encode())
    (failed,) = import_all(context)
    assert failed.reason == "layout_changed"
    assert "Quill" not in failed.line
    assert "Quill" not in caplog.text
