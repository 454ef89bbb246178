"""Pages in each form that browsers write, through the inbox into the warehouse."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from forms import (
    CARDS,
    SAVED_AT,
    WHOLE,
    chrome_mhtml,
    chrome_view_source,
    firefox_view_source,
    singlefile,
    webarchive,
    without_scripts,
)

from filmpulse import jobs
from filmpulse.config import Settings

PAGES = Path(__file__).parents[2] / "fixtures" / "pages" / "imdb.ReviewsPage"
SAVED = Path(__file__).parents[2] / "fixtures" / "saved"
MOVIE = "tt7000001"
PAGE_TIME = datetime(2026, 4, 1, 12, 30, tzinfo=UTC)
GIVEN = datetime(2026, 5, 5, tzinfo=UTC)
CONTEXT = '"requestContext":{"timestamp":"2026-04-01T12:30:00Z","ipAddress":"203.0.113.77"}'
PRIVATE = re.compile(rb"203\.0\.113|\bur\d{4,}|Invented Person")


def page(case: str = "username_25_of_5081") -> str:
    return (PAGES / case / "input.html").read_text(encoding="utf-8")


def with_context(html: str) -> str:
    assert '"requestContext":{}' in html
    return html.replace('"requestContext":{}', CONTEXT)


@pytest.fixture
def context(warehouse_url, tmp_path):
    settings = Settings(
        warehouse_url=warehouse_url,
        lake_url=(tmp_path / "lake").as_uri(),
        author_secret="for tests only",
    )
    return jobs.Context.from_settings(settings)


@pytest.fixture
def add(context, tmp_path):
    """Add a file to the inbox as a person would."""

    def added(content: bytes, name: str = "saved.html", **options):
        path = tmp_path / name
        path.write_bytes(content)
        return jobs.add_to_inbox(path, context, **options)

    return added


def note(context, added):
    return json.loads(context.lake.read(f"inbox/{added.name}.meta.json"))


def import_all(context):
    names = jobs.plan_import(context)
    return [p for name in names for p in jobs.import_file(name, "run", context).pages]


def ids(context):
    with context.warehouse.connect() as connection:
        found = connection.execute("SELECT review_id FROM core.reviews ORDER BY 1").fetchall()
    return [row["review_id"] for row in found]


@pytest.mark.parametrize("form", WHOLE)
def test_a_whole_page_in_each_form_becomes_its_rows(context, add, form):
    (added,) = add(WHOLE[form](with_context(page())))
    assert added.is_new
    assert note(context, added)["saved_at_source"] == "page"
    (done,) = import_all(context)
    assert (done.status, done.imdb_id, done.reviews) == ("partial", MOVIE, 25)
    assert len(ids(context)) == 25
    manifest = context.lake.read_manifest(done.manifest_uri)
    assert (manifest.started_at, manifest.review_count_start) == (PAGE_TIME, 5081)


@pytest.mark.parametrize("form", CARDS)
def test_the_cards_of_a_page_in_each_form_become_its_rows(context, add, form):
    (added,) = add(CARDS[form](page("dom_opened")))
    assert datetime.fromisoformat(note(context, added)["saved_at"]) == SAVED_AT
    assert note(context, added)["saved_at_source"] == "page"
    (done,) = import_all(context)
    assert (done.status, done.imdb_id, done.reviews) == ("complete", MOVIE, 3)


@pytest.mark.parametrize(
    "form", [chrome_mhtml, webarchive, chrome_view_source, firefox_view_source]
)
def test_a_view_or_an_archive_is_stored_as_its_page_cleaned(context, add, form):
    content = form(with_context(page()))
    add(content)
    (done,) = import_all(context)
    kept = context.lake.read(f"inbox/done/{done.name}")
    assert kept.lstrip().startswith(b"<!DOCTYPE html>")
    for name in context.lake.names(""):
        assert not PRIVATE.search(context.lake.read(name)), name


@pytest.mark.parametrize("name", ["chrome.mhtml", "view_source.html"])
def test_a_file_as_it_came_is_stored_without_its_visitor_and_names(context, add, name):
    content = (SAVED / name).read_bytes()
    add(content, name=name)
    (done,) = import_all(context)
    assert (done.status, done.imdb_id, done.reviews) == ("complete", MOVIE, 1)
    context.lake.write(f"inbox/{name}", content)  # by another tool
    import_all(context)
    for left in context.lake.names(""):
        kept = context.lake.read(left)
        assert not re.search(rb"192\.0\.2\.44|session-id|invented-name|\bur\d{4,}", kept), left


@pytest.mark.parametrize(
    ("content", "options", "saved_at", "source"),
    [
        (chrome_mhtml(with_context(page())), {"saved_at": GIVEN}, PAGE_TIME, "page"),
        (chrome_mhtml(page()), {"saved_at": GIVEN}, SAVED_AT, "page"),
        (singlefile(page()), {"saved_at": GIVEN}, SAVED_AT, "page"),
        (webarchive(page()), {"saved_at": GIVEN}, GIVEN, "given"),
        (chrome_mhtml(page(), saved_at=datetime(2199, 1, 1, tzinfo=UTC)), {"saved_at": GIVEN},
         GIVEN, "given"),
    ],
)  # fmt: skip
def test_which_time_of_a_form_counts(context, add, content, options, saved_at, source):
    (added,) = add(content, **options)
    said = note(context, added)
    assert (datetime.fromisoformat(said["saved_at"]), said["saved_at_source"]) == (saved_at, source)


def test_the_address_of_an_archive_names_a_movie_that_its_page_does_not(context, add):
    silent = re.sub(r"/title/tt\d+", "", without_scripts(page("dom_opened")))
    url = "https://www.imdb.com/title/tt7000009/reviews/"
    (added,) = add(webarchive(silent, url), name="about-tt7000008.webarchive")
    assert note(context, added)["named_id"] == "tt7000009"
    (done,) = import_all(context)
    assert (done.imdb_id, done.reviews) == ("tt7000009", 3)
    (other,) = add(webarchive(silent.replace("rw9", "rw8"), url), imdb_id="tt7000008")
    assert other.is_new
    (done,) = import_all(context)
    assert done.imdb_id == "tt7000008"


def test_archives_in_a_zip(context, add):
    packed = io.BytesIO()
    html = page("dom_opened")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.mhtml", chrome_mhtml(html))
        archive.writestr("b.webarchive", webarchive(html.replace("rw9", "rw8")))
        archive.writestr("c.pdf", b"%PDF-1.7 printed")
    added = add(packed.getvalue(), name="pages.zip")
    assert [one.is_refused for one in added] == [False, False, True]
    assert "PDF" in added[2].sentence
    assert [done.reviews for done in import_all(context)] == [3, 3]
    assert len(ids(context)) == 6


def test_reviews_without_a_day_are_said_where_they_are_added_and_imported(context, add):
    undated = page("dom_opened").replace("Mar 1", "5 Fimbulwinter ")
    (added,) = add(undated.encode())
    assert "3 of them without a day" in added.sentence
    (done,) = import_all(context)
    assert "3 reviews show no day" in done.line
    assert "3 reviews show no day" in context.lake.read_manifest(done.manifest_uri).sentence
    assert len(ids(context)) == 3


def word_document() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w>Invented Person</w>")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason", "says"),
    [
        ("review.docx", word_document(), "archive", "a Word document"),
        ("print.pdf", b"%PDF-1.7 Invented Person", "not_imdb", "a PDF"),
        ("copy.txt", b"Invented Person\nThe acting is superb.", "not_imdb", "Plain text"),
        ("reader.html", b'<html><div id="readability-page-1">Invented Person</div></html>',
         "no_reviews", "A reader's copy"),
        ("half.webarchive", webarchive("<html>Invented Person</html>")[:-30], "not_imdb",
         "web archive"),
    ],
)  # fmt: skip
def test_what_holds_no_page_is_refused_by_its_name_and_not_stored(
    context, add, name, content, reason, says
):
    (refused,) = add(content, name=name)
    assert refused.is_refused
    assert says in refused.sentence
    assert context.lake.names("inbox") == []
    context.lake.write(f"inbox/{name}", content)  # by another tool
    (failed,) = import_all(context)
    assert (failed.status, failed.reason) == ("failed", reason)
    assert [n for n in context.lake.names("inbox") if not n.endswith(".reason.txt")] == []
    for left in context.lake.names(""):
        assert not PRIVATE.search(context.lake.read(left)), left
