"""Saved pages: from the inbox into the warehouse, on a real Postgres and a real S3 server."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import struct
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput, CollectionFailed, LakeUnavailable, WarehouseUnavailable
from filmpulse.items import Review
from filmpulse.jobs.inbox import store
from filmpulse.lake import Lake, Manifest
from filmpulse.sources import archives
from filmpulse.warehouse import detection

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
MOVIE = "tt7000001"
SECRET = "for tests only"
PAGE_TIME = datetime(2026, 4, 1, 12, 30, tzinfo=UTC)
VISITOR = {
    "timestamp": "2026-04-01T12:30:00.000Z",
    "ipAddress": "203.0.113.77",
    "requestId": "INVENTEDREQUEST00001",
    "headers": {"cookie": "session-token=invented", "x-forwarded-for": "203.0.113.77"},
    "sidecar": {"account": {"userName": "Vera Visitor", "isLoggedIn": True}},
}
# Whatever must never be stored: the visitor's, a reviewer's id, a reviewer's name.
PRIVATE = re.compile(
    rb"203\.0\.113|INVENTEDREQUEST|session-token|Vera Visitor|\bur\d{4,}|Invented Person"
)


def page(case="username_25_of_5081", kind="imdb.ReviewsPage", visitor=VISITOR):
    """An invented page with what a real one says of its visitor, signed in."""
    html = (PAGES / kind / case / "input.html").read_text(encoding="utf-8")
    if visitor is not None and "requestContext" in html:
        said = json.dumps(visitor)
        html, n = re.subn(r'"requestContext": ?\{\}', lambda _: f'"requestContext":{said}', html)
        assert n
        name = '<span class="navbar__user-name">Vera Visitor</span>'
        html = html.replace("<body>", f"<body>{name}<p>203.0.113.77</p>", 1)
    return html


def answer(first, count=3, total=50, movie=None, **more):
    """An invented answer of the page's own call for more reviews."""
    edges = [
        {
            "node": {
                "id": f"rw{8000000 + n}",
                "author": {"username": {"text": "Invented Person"}, "userId": f"ur{8000000 + n}"},
                "summary": {"originalText": f"Heading {n}"},
                "text": {"originalText": {"plaidHtml": f"A text of its own, number {n}."}},
                "authorRating": 7,
                "submissionDate": "2026-02-14",
            }
        }
        for n in range(first, first + count)
    ]
    title = {"reviews": {"total": total, "edges": edges, "pageInfo": {"hasNextPage": True}}}
    return json.dumps({"data": {"title": title | ({"id": movie} if movie else {})}} | more)


def pack(*files, folder=""):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(folder + name, content)
    return packed.getvalue()


@pytest.fixture
def context(warehouse_url, tmp_path):
    settings = Settings(
        warehouse_url=warehouse_url,
        lake_url=(tmp_path / "lake").as_uri(),
        author_secret=SECRET,
    )
    return jobs.Context.from_settings(settings)


@pytest.fixture
def s3_parts(warehouse_url, s3, request):
    settings = Settings(
        warehouse_url=warehouse_url,
        lake_url=f"s3://filmpulse/{request.node.name[:40]}",
        lake_endpoint_url=s3.url,
        lake_key=s3.key,
        lake_secret=s3.secret,
        author_secret=SECRET,
    )
    return jobs.Context.from_settings(settings)


@pytest.fixture
def save(tmp_path):
    """Save a file as a person would; optionally with another date than now."""

    def saved(content, name="reviews.html", at=None):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if at is not None:
            os.utime(path, (at.timestamp(), at.timestamp()))
        return path

    return saved


def drop(context, content, name="page.html"):
    raw = content.encode() if isinstance(content, str) else content
    context.lake.write(f"inbox/{name}", raw)


def import_all(context, run_id="run"):
    names = jobs.plan_import(context)
    imported = [jobs.import_file(name, run_id, context) for name in names]
    for imdb_id in {i for one in imported for i in one.imdb_ids}:
        jobs.analyse(imdb_id, context)
    return [p for one in imported for p in one.pages]


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def reviews(context):
    return {
        r["review_id"]: r
        for r in rows(context, "SELECT *, xmin::text AS x FROM core.reviews WHERE source = 'imdb'")
    }


def inbox_names(context):
    return [name.removeprefix("inbox/") for name in context.lake.names("inbox")]


def assert_nothing_private(context):
    for name in context.lake.names(""):
        content = context.lake.read(name)
        assert not PRIVATE.search(content), name
        assert b"Vera" not in name.encode()


def test_an_added_page_is_cleaned_dated_loaded_and_scored(context, save):
    (added,) = jobs.add_to_inbox(save(page()), context)
    assert (added.is_new, added.is_refused) == (True, False)
    assert added.sentence == (
        f"25 of 5,081 reviews of {MOVIE} The Lamp Keeper, saved 2026-04-01 12:30 UTC (the page's "
        "own time)."
    )
    assert_nothing_private(context)
    assert sorted(inbox_names(context)) == [added.name, f"{added.name}.meta.json"]

    (done,) = import_all(context)
    assert (done.status, done.reason, done.reviews, done.changed_rows) == (
        "partial", "part_of_list", 25, 25,
    )  # fmt: skip
    assert done.line == (
        f"{added.name}: Fyrvaktaren (2025): partial. 25 of 5,081 reviews are in the page. "
        "25 new, 0 edited; saved 2026-04-01 12:30 UTC (the page's own time)."
    )
    assert sorted(inbox_names(context)) == [f"done/{added.name}", f"done/{added.name}.meta.json"]
    assert_nothing_private(context)
    stored = reviews(context)
    assert len(stored) == 25
    assert {r["first_seen_at"] for r in stored.values()} == {PAGE_TIME}
    assert all(r["author_key"] and r["date_source"] == "json" for r in stored.values())
    (snapshot,) = rows(context, "SELECT * FROM core.movie_snapshots")
    assert (snapshot["taken_at"], snapshot["review_count"]) == (PAGE_TIME, 5081)
    (line,) = rows(context, "SELECT * FROM ops.collections")
    assert line["run_id"] == f"run/{added.name}"
    assert (line["mode"], line["status"], line["inserted_rows"]) == ("import", "partial", 25)
    (movie,) = rows(context, "SELECT * FROM mart.movies")
    assert (movie["title"], movie["analysed_reviews"]) == ("Fyrvaktaren", 25)
    assert (movie["collection_status"], movie["collected_at"]) == (None, None)
    assert movie["imported_at"] is not None


def test_an_import_reads_what_the_live_page_gives(context, save):
    from filmpulse.sources.imdb.files import read_file

    path = save(page())
    jobs.add_to_inbox(path, context)
    import_all(context)
    stored = reviews(context)
    live = read_file(path, author_secret=SECRET.encode()).reviews_page.reviews
    assert len(live) == len(stored)
    for review in live:
        row = stored[review.review_id]
        for field in ("title", "body", "author_key", "rating_1_10", "submitted_on", "is_spoiler"):
            assert row[field] == getattr(review, field), field
        assert row["content_hash"] == review.content_hash


def test_a_page_dropped_raw_is_cleaned_and_the_raw_one_is_gone(s3_parts):
    context = s3_parts
    drop(context, page(), "My Page (1).html")
    assert PRIVATE.search(context.lake.read("inbox/My Page (1).html"))
    (done,) = import_all(context)
    assert (done.status, done.changed_rows) == ("partial", 25)
    assert re.fullmatch(r"My-Page-1-[0-9a-f]{12}\.html", done.name)
    assert sorted(inbox_names(context)) == [f"done/{done.name}", f"done/{done.name}.meta.json"]
    assert_nothing_private(context)
    assert {r["first_seen_at"] for r in reviews(context).values()} == {PAGE_TIME}
    note = json.loads(context.lake.read(f"inbox/done/{done.name}.meta.json"))
    assert note["original_name"] == "My Page (1).html"
    assert note["saved_at_source"] == "page"
    assert note["manifest_uri"] == done.manifest_uri


def test_the_same_again_is_known_at_each_step_and_changes_no_row(context, save):
    path = save(page())
    (first,) = jobs.add_to_inbox(path, context)
    (twice,) = jobs.add_to_inbox(path, context)
    assert (twice.name, twice.is_new) == (first.name, False)
    assert twice.sentence.startswith("This page waits already: 25 of 5,081")
    assert len(jobs.plan_import(context)) == 1
    import_all(context, "r1")
    before = reviews(context)
    (known,) = jobs.add_to_inbox(path, context)
    assert known.sentence.startswith("This page was imported already")
    assert jobs.plan_import(context) == []
    drop(context, page(), "reviews.html")  # and dropped raw once more
    (again,) = import_all(context, "r2")
    assert again.changed_rows == 0
    assert "Nothing new" in again.line
    assert reviews(context) == before
    assert len(context.lake.manifests("imdb", MOVIE)) == 1


def test_two_files_of_one_name_do_not_meet(context, tmp_path):
    for folder, number in (("a", 1), ("b", 11)):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "page.json"
        path.write_text(answer(number))
        (added,) = jobs.add_to_inbox(path, context, imdb_id=MOVIE)
        assert added.is_new
    assert [p.status for p in import_all(context)] == ["partial", "partial"]
    assert len(reviews(context)) == 6


@pytest.mark.parametrize(
    ("said", "options", "expected", "source"),
    [
        ("2026-04-01T12:30:00.000Z", {}, PAGE_TIME, "page"),
        ("2026-04-01T14:30:00+02:00", {}, PAGE_TIME, "page"),
        ("2026-04-01T12:30:00", {}, PAGE_TIME, "page"),
        (PAGE_TIME.timestamp(), {}, PAGE_TIME, "page"),
        (int(PAGE_TIME.timestamp() * 1000), {}, PAGE_TIME, "page"),
        (str(int(PAGE_TIME.timestamp() * 1000)), {}, PAGE_TIME, "page"),
        ("Wed, 01 Apr 2026 12:30:00 GMT", {}, PAGE_TIME, "page"),
        ("2026-04-01T12:30:00Z", {"saved_at": datetime(2026, 5, 5, tzinfo=UTC)}, PAGE_TIME, "page"),
        (None, {"saved_at": datetime(2026, 5, 5, tzinfo=UTC)}, datetime(2026, 5, 5, tzinfo=UTC),
         "given"),
        ("soon", {}, datetime(2026, 4, 14, tzinfo=UTC), "file"),
        (True, {}, datetime(2026, 4, 14, tzinfo=UTC), "file"),
        ("2199-01-01T00:00:00Z", {}, datetime(2026, 4, 14, tzinfo=UTC), "file"),
        (12, {}, datetime(2026, 4, 14, tzinfo=UTC), "file"),
        (float("1e300"), {}, datetime(2026, 4, 14, tzinfo=UTC), "file"),
    ],
)  # fmt: skip
def test_which_time_counts(context, save, said, options, expected, source):
    html = page(visitor=VISITOR | {"timestamp": said})
    (added,) = jobs.add_to_inbox(
        save(html, at=datetime(2026, 4, 14, tzinfo=UTC)), context, **options
    )
    note = json.loads(context.lake.read(f"inbox/{added.name}.meta.json"))
    assert datetime.fromisoformat(note["saved_at"]) == expected
    assert note["saved_at_source"] == source


def test_a_review_cannot_fake_the_time_or_cut_the_page(context, save):
    words = 'He said "requestContext":{"timestamp":"2020-01-01T00:00:00Z"} and "author":{ no end'
    html = page("dom_opened").replace("</article>", f"<p>{words}</p></article>", 1)
    at = datetime(2026, 4, 14, tzinfo=UTC)
    (added,) = jobs.add_to_inbox(save(html, at=at), context)
    note = json.loads(context.lake.read(f"inbox/{added.name}.meta.json"))
    assert datetime.fromisoformat(note["saved_at"]) == at
    (done,) = import_all(context)
    assert done.reviews == len(json.loads((PAGES / "imdb.ReviewsPage/dom_opened/output.json")
                                          .read_text())["reviews"])  # fmt: skip


@pytest.mark.parametrize(
    "at", [datetime(1970, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=400)]
)
def test_a_file_date_that_cannot_be_is_unknown(context, save, at):
    (added,) = jobs.add_to_inbox(save(page(visitor=None), at=at), context)
    assert "saved nobody knows when: it will only add what is missing" in added.sentence
    (done,) = import_all(context)
    manifest = context.lake.read_manifest(done.manifest_uri)
    assert not manifest.is_dated
    assert manifest.snapshot is None
    assert rows(context, "SELECT * FROM core.movie_snapshots") == []
    assert len(reviews(context)) == 25


def test_a_time_in_the_future_is_refused(context, save):
    with pytest.raises(BadInput, match="No page can have been saved at"):
        jobs.add_to_inbox(save(page()), context, saved_at=datetime.now(UTC) + timedelta(days=1))
    assert inbox_names(context) == []


def collect_by_hand(context, at, texts):
    """Load a full collection of the site's as if it had been read at a time."""
    writer = context.lake.begin("imdb", MOVIE, at)
    writer.append(
        [
            Review(review_id=i, imdb_id=MOVIE, title="As loaded", body=text, rating_1_10=2,
                   submitted_on=date(2026, 1, 1), date_source="json")
            for i, text in texts.items()
        ]
    )  # fmt: skip
    manifest = Manifest(
        run_id=f"full-{at:%d}", source="imdb", imdb_id=MOVIE, mode="full", started_at=at,
        finished_at=at, status="complete", distinct_ids=len(texts), parts=tuple(writer.parts),
        review_count_start=len(texts), review_count_end=len(texts),
    )  # fmt: skip
    with context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'Known', now())"
            " ON CONFLICT DO NOTHING", (MOVIE,),
        )  # fmt: skip
    return jobs.load(writer.close(manifest), context)


def first_ids(count=2):
    output = json.loads((PAGES / "imdb.ReviewsPage/username_25_of_5081/output.json").read_text())
    return [r["review_id"] for r in output["reviews"]][:count]


@pytest.mark.parametrize("dated", [True, False], ids=["older", "unknown time"])
def test_an_older_or_undated_page_adds_what_is_missing_and_changes_nothing(context, save, dated):
    known = first_ids()
    collect_by_hand(context, PAGE_TIME + timedelta(days=30), dict.fromkeys(known, "Newer words."))
    before = reviews(context)
    html = page(visitor=VISITOR if dated else None)
    (added,) = jobs.add_to_inbox(save(html, at=datetime(1970, 1, 2, tzinfo=UTC)), context)
    assert ("nobody knows" in added.sentence) is not dated
    (done,) = import_all(context)
    assert done.changed_rows >= 23
    after = reviews(context)
    for review_id in known:
        for field in ("title", "body", "rating_1_10", "removed_at", "content_hash"):
            assert after[review_id][field] == before[review_id][field], field
        if not dated:
            assert after[review_id]["x"] == before[review_id]["x"]
    assert len(after) == 25
    assert not any(r["removed_at"] for i, r in after.items() if i in known)


def test_undated_facts_only_fill_gaps(context, save):
    old = datetime(1970, 1, 2, tzinfo=UTC)
    jobs.add_to_inbox(save(page(), name="dated.html"), context)
    import_all(context, "r1")
    renamed = page(visitor=None).replace("The Lamp Keeper", "Another Name")
    jobs.add_to_inbox(save(renamed, name="undated.html", at=old), context)
    (done,) = import_all(context, "r2")
    assert context.lake.read_manifest(done.manifest_uri).movie.title == "Another Name"
    assert jobs.label(MOVIE, context) == "Fyrvaktaren (2025)"


def test_a_newer_page_edits_but_never_removes(context, save):
    known = first_ids()
    texts = dict.fromkeys([*known, "rw1234567"], "Older words.")
    collect_by_hand(context, PAGE_TIME - timedelta(days=30), texts)
    jobs.add_to_inbox(save(page()), context)
    (done,) = import_all(context)
    assert "23 new, 2 edited" in done.line
    assert not any(r["removed_at"] for r in reviews(context).values())
    assert len(reviews(context)) == 26


def test_imports_are_no_collections_of_the_site(context, save):
    at = PAGE_TIME - timedelta(days=30)
    collect_by_hand(context, at, dict.fromkeys(first_ids(), "Words."))
    about = {"source": "imdb", "imdb_id": MOVIE}
    before = detection.collection_history.one(context.warehouse, **about)
    runs = detection.open_runs(context.warehouse, **about)
    movie = "SELECT collection_status, collected_at FROM mart.movies"
    seen = rows(context, movie)
    jobs.add_to_inbox(save(page()), context)
    import_all(context)
    after = detection.collection_history.one(context.warehouse, **about)
    assert after._replace(read_count=before.read_count) == before
    assert detection.open_runs(context.warehouse, **about) == runs
    assert rows(context, movie) == seen


@pytest.mark.parametrize(
    ("case", "kind", "status", "reason", "count"),
    [
        ("one_unrated", "imdb.ReviewsPage", "complete", None, 3),
        ("no_reviews", "imdb.ReviewsPage", "complete", None, 0),
        ("gated_5_of_5081", "imdb.ReviewsPage", "gated", "sign_in", 5),
        ("dom_unopened", "imdb.ReviewsPage", "partial", "unopened_spoilers", None),
        ("next_2025", "imdb.TitlePage", "partial", "title_page", 0),
    ],
)
def test_how_much_of_the_list_a_page_holds(context, save, case, kind, status, reason, count):
    jobs.add_to_inbox(save(page(case, kind)), context)
    (done,) = import_all(context)
    assert (done.status, done.reason) == (status, reason)
    assert count in (None, done.reviews)
    assert_nothing_private(context)


def test_a_title_page_gives_facts_and_figures_and_no_count_that_was_read(context, save):
    (added,) = jobs.add_to_inbox(save(page("next_2025", "imdb.TitlePage")), context)
    assert added.sentence.startswith("facts of tt")
    (done,) = import_all(context)
    (snapshot,) = rows(context, "SELECT * FROM core.movie_snapshots")
    assert snapshot["taken_at"] == PAGE_TIME
    assert snapshot["review_count"] > 0
    (line,) = rows(context, "SELECT * FROM ops.collections")
    assert (line["review_count_end"], line["distinct_ids"]) == (None, 0)
    assert jobs.label(done.imdb_id, context) != done.imdb_id


def test_an_answer_needs_its_movie_named(context, save):
    (refused,) = jobs.add_to_inbox(save(answer(1), name="answer.json"), context)
    assert refused.is_refused
    assert refused.sentence == (
        "It does not say which movie it is about: add it with --imdb-id tt…, or with the id in the "
        "file's name."
    )
    assert inbox_names(context) == []
    (by_option,) = jobs.add_to_inbox(save(answer(1), name="answer.json"), context, imdb_id=MOVIE)
    (by_name,) = jobs.add_to_inbox(save(answer(4), name=f"2026_{MOVIE}_2.json"), context)
    (by_itself,) = jobs.add_to_inbox(save(answer(7, movie=MOVIE), name="more.json"), context)
    assert by_option.is_new
    assert by_name.is_new
    assert by_itself.is_new
    assert {p.imdb_id for p in import_all(context)} == {MOVIE}
    assert len(reviews(context)) == 9
    assert_nothing_private(context)
    (other,) = jobs.add_to_inbox(
        save(answer(7, movie=MOVIE), name="more.json"), context, imdb_id="tt7000002"
    )
    assert other.is_refused
    assert other.sentence == f"The answer is about {MOVIE}, not tt7000002."


def test_a_raw_answer_without_a_movie_waits_in_failed_until_its_note_says_it(context):
    drop(context, answer(1), "answer.json")
    (failed,) = import_all(context)
    assert (failed.status, failed.reason) == ("failed", "bad_input")
    name = failed.name
    assert sorted(inbox_names(context)) == [
        f"failed/{name}", f"failed/{name}.meta.json", f"failed/{name}.reason.txt"
    ]  # fmt: skip
    assert_nothing_private(context)
    reason = context.lake.read(f"inbox/failed/{name}.reason.txt").decode()
    assert reason.startswith("It does not say which movie")
    assert reason.endswith("reason: bad_input\n")
    assert jobs.list_inbox(context)[1][0].reason == "bad_input"
    # A person puts it back, and beside it a note.
    drop(context, context.lake.read(f"inbox/failed/{name}"), "answer.json")
    drop(context, json.dumps({"imdb_id": MOVIE, "saved_at": "2026-02-20T00:00:00Z"}),
         "answer.json.meta.json")  # fmt: skip
    (done,) = import_all(context, "r2")
    assert (done.status, done.imdb_id, len(reviews(context))) == ("partial", MOVIE, 3)
    assert "saved 2026-02-20 00:00 UTC (as given)" in done.line


def test_a_success_takes_away_the_failure_of_the_same_file(context):
    drop(context, answer(1, movie=MOVIE), "answer.json")
    drop(context, "{not a note", "answer.json.meta.json")
    (failed,) = import_all(context)
    assert failed.reason == "bad_input"
    assert "The note beside it cannot be read" in failed.line
    drop(context, context.lake.read(f"inbox/failed/{failed.name}"), failed.name)
    (done,) = import_all(context, "r2")
    assert done.status == "partial"
    assert not [n for n in inbox_names(context) if n.startswith("failed/")]


BAD = {
    "search.html": ("no_reviews", None),
    "suggestions.json": ("no_reviews", '{"d":[{"id":"tt7000001","l":"The Lamp Keeper"}],"q":"x"}'),
    "other.html": ("not_imdb", "<html><body><p>A letter to my aunt.</p></body></html>"),
    "notes.txt": ("not_imdb", "milk, bread"),
    "empty.html": ("not_imdb", "   "),
    "picture.png": ("not_imdb", b"\x89PNG\r\n\x1a\n\xff\xfe\x00"),
    "page.mhtml": ("not_imdb", "From: x\nContent-Type: multipart/related; boundary=b\n\n<html>"),
    "captcha.html": ("captcha", '<html><script src="captcha.js"></script></html>'),
    "half.html": ("broken_page", None),
    "changed.html": ("layout_changed", None),
    "no.zip": ("archive", b"not a zip"),
}


def bad_content(name):
    if name == "search.html":
        data = {"props": {"pageProps": {"titleResults": {"results": []}}}}
        tag = '<script id="__NEXT_DATA__" type="application/json">'
        return f"<html>{tag}{json.dumps(data)}</script></html>"
    if name == "half.html":
        html = page("dom_opened")
        return html[: html.rindex("<article") + 200]
    if name == "changed.html":
        return page().replace('"reviewText"', '"reviewWords"').replace("plaidHtml", "words")
    return BAD[name][1]


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_imported_fails_alone_and_says_why(context, name):
    drop(context, bad_content(name), name)
    drop(context, page("one_unrated"), "zz-good.html")
    bad, good = import_all(context)
    assert bad.reason == BAD[name][0], bad.line
    assert (bad.imdb_id, bad.manifest_uri) == (None, None)
    assert good.status == "complete"
    left = [n for n in inbox_names(context) if not n.startswith("done/")]
    assert f"failed/{bad.name}.reason.txt" in left
    assert not [n for n in left if not n.startswith("failed/")]
    # Of half a page, a refusal, and what is not IMDb's nobody knows whom it tells of.
    is_kept = name in ("search.html", "suggestions.json", "changed.html")
    assert (f"failed/{bad.name}" in left) is is_kept
    assert_nothing_private(context)
    with pytest.raises(CollectionFailed, match=re.escape(name.partition(".")[0])) as caught:
        jobs.summarise_import("r1", [name], [jobs.Imported(name, [bad])], context)
    assert str(caught.value).count("\n") == 1


@pytest.mark.parametrize("name", [n for n in BAD if n != "changed.html"])
def test_add_refuses_at_once_what_could_never_be_imported(context, save, name):
    (refused,) = jobs.add_to_inbox(save(bad_content(name), name=name), context)
    assert refused.is_refused, refused
    assert refused.sentence.endswith(".")
    assert inbox_names(context) == []


def test_add_keeps_a_page_whose_layout_changed_for_mending(context, save):
    (added,) = jobs.add_to_inbox(save(bad_content("changed.html")), context)
    assert added.is_new
    assert added.sentence.startswith("cannot be read and will end in inbox/failed/")
    (failed,) = import_all(context)
    assert failed.reason == "layout_changed"
    assert context.lake.size(f"inbox/failed/{failed.name}") > 1000


def test_no_secret_is_said_before_anything_is_stored(context, save):
    bare = jobs.Context.from_settings(context.settings.model_copy(update={"author_secret": None}))
    with pytest.raises(BadInput, match="FILMPULSE_AUTHOR_SECRET is not set"):
        jobs.add_to_inbox(save(page()), bare)
    assert inbox_names(bare) == []


# --- what was erased on request -----------------------------------------------------------------


def test_an_erased_review_stays_away_and_so_does_its_page(context, save):
    erased = first_ids(1)[0]
    jobs.erase("review", erased, context)
    (added,) = jobs.add_to_inbox(save(page()), context)
    (done,) = import_all(context)
    assert "1 were erased on request and not kept." in done.line
    assert done.reviews == len(reviews(context)) == 24
    for name in context.lake.names(""):
        if not name.startswith("erasures/"):
            assert erased.encode() not in gunzip(context.lake.read(name)), name
    assert f"done/{added.name}" not in inbox_names(context)
    (again,) = jobs.add_to_inbox(save(page()), context)
    (once_more,) = import_all(context, "r2")
    assert (again.is_new, once_more.changed_rows) == (True, 0)
    assert f"done/{added.name}" not in inbox_names(context)


def test_a_page_of_an_erased_movie_comes_in_only_if_it_was_saved_later(context, save):
    jobs.add_to_inbox(save(page()), context)
    import_all(context)
    jobs.erase("movie", MOVIE, context)
    assert rows(context, "SELECT * FROM core.movies") == []
    assert context.lake.manifests() == []
    (added,) = jobs.add_to_inbox(save(page()), context)
    (failed,) = import_all(context, "r2")
    assert (failed.status, failed.reason) == ("failed", "erased")
    assert f"failed/{added.name}" not in inbox_names(context)
    assert f"failed/{added.name}.reason.txt" in inbox_names(context)
    assert rows(context, "SELECT * FROM core.reviews") == []
    assert context.lake.manifests() == []


def gunzip(content):
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


# --- crashes ------------------------------------------------------------------------------------


class Dies(Exception):
    """Stands for a kill."""


def test_a_half_written_add_is_never_imported(context, save, monkeypatch):
    write = Lake.write

    def dies(self, name, content):
        if name.endswith(".html"):
            raise Dies
        return write(self, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "write", dies)
        with pytest.raises(Dies):
            jobs.add_to_inbox(save(page()), context)
    (left,) = inbox_names(context)
    assert left.endswith(".meta.json")
    assert jobs.plan_import(context) == []
    (added,) = jobs.add_to_inbox(save(page()), context)
    assert added.is_new
    # A note that stays alone is swept after a day.
    drop(context, "{}", "lost.html.meta.json")
    path = Path(context.lake.uri_of("inbox/lost.html.meta.json").removeprefix("file://"))
    assert len(jobs.plan_import(context)) == 1
    assert path.exists()
    old = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(path, (old, old))
    assert len(jobs.plan_import(context)) == 1
    assert not path.exists()


@pytest.mark.parametrize("raw", [True, False], ids=["dropped raw", "added"])
@pytest.mark.parametrize("visitor", [VISITOR, None], ids=["dated", "undated"])
def test_killed_at_any_write_and_again_gives_the_same_rows(
    context, save, monkeypatch, raw, visitor, databases
):
    html = page(visitor=visitor)
    if raw:
        drop(context, html, "page.html")
    else:
        old = datetime(1970, 1, 2, tzinfo=UTC)
        jobs.add_to_inbox(save(html, name="page.html", at=old), context)
    (name,) = jobs.plan_import(context)
    write, delete, steps = Lake.write, Lake.delete, []

    def counted(do):
        def step(self, *given):
            if len(steps) == deadly:
                raise Dies
            steps.append(given[0])
            return do(self, *given)

        return step

    deaths = 0
    for deadly in range(40):  # noqa: B007  `counted` reads it
        steps.clear()
        with monkeypatch.context() as patched:
            patched.setattr(Lake, "write", counted(write))
            patched.setattr(Lake, "delete", counted(delete))
            try:
                jobs.import_file(name, "run", context)
            except Dies:
                deaths += 1
                continue
        break
    assert deaths >= 5
    assert len(reviews(context)) == 25
    assert len(context.lake.manifests()) == 1
    assert len(rows(context, "SELECT * FROM ops.collections")) == 1
    assert len(rows(context, "SELECT * FROM core.review_revisions")) == 0
    left = inbox_names(context)
    assert len(left) == 2
    assert all(n.startswith("done/") for n in left)
    assert jobs.import_file(name, "run", context).pages == []
    before = reviews(context)
    jobs.rebuild(context)
    assert reviews(context) == before


def test_postgres_away_leaves_the_file_waiting(context, save, monkeypatch):
    from filmpulse.jobs.inbox import import_files

    jobs.add_to_inbox(save(page()), context)

    def away(*_):
        raise WarehouseUnavailable("Postgres did not answer.")

    (name,) = jobs.plan_import(context)
    with monkeypatch.context() as patched:
        patched.setattr(import_files, "load", away)
        with pytest.raises(WarehouseUnavailable):
            jobs.import_file(name, "run", context)
    assert jobs.plan_import(context) == [name]
    told = jobs.review_import("r1", [name], [], context)
    assert told.failures == [f"{name}: not imported; the log of its task says why. It still waits."]
    assert [p.changed_rows for p in import_all(context)] == [25]


def test_a_page_that_brings_a_fault_makes_its_run_red_and_says_which(context, save):
    def run(html, run_id):
        jobs.add_to_inbox(save(html), context)
        names = jobs.plan_import(context)
        imported = [jobs.import_file(name, run_id, context) for name in names]
        jobs.analyse(MOVIE, context)
        return names, imported

    known = run(page(), "r1")
    assert jobs.summarise_import("r1", *known, context).failures == []
    # The next day the same page, but that some reviews have a day which is far from having come.
    html = page(visitor=VISITOR | {"timestamp": "2026-04-02T12:30:00Z"})
    day = re.search(r'"submissionDate": ?"(2026-\d\d-\d\d)"', html)[1]
    html = html.replace(f'"{day}"', f'"2029{day[4:]}"')
    changed = html.count(f'"2029{day[4:]}"') // 2  # each review stands twice in a page
    faulty = run(html, "r2")
    assert [p.status for p in faulty[1][0].pages] == ["partial"]  # it is stored all the same
    with pytest.raises(CollectionFailed) as raised:
        jobs.summarise_import("r1", *faulty, context)
    assert str(raised.value).splitlines() == [
        "1 file was taken up, and not all is well:",
        f"{MOVIE} Fyrvaktaren: not as it should be: {changed} of 25 reviews are dated in the "
        f"future (the latest 2029{day[4:]}, expected to 2026-04-03) (`dates`). Look at the page; "
        "see docs/runbooks/data_quality.md.",
    ]
    # The run that brought nothing of it stays as it was.
    assert jobs.summarise_import("r1", *known, context).failures == []


def test_a_lake_that_is_away_is_retryable(warehouse_url):
    lost = jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url, lake_url="s3://filmpulse/none", author_secret=SECRET,
            lake_endpoint_url="http://127.0.0.1:9", lake_key="k", lake_secret="s",
        )
    )  # fmt: skip
    with pytest.raises(LakeUnavailable):
        jobs.plan_import(lost)


def test_a_file_that_is_still_being_written_is_read_again(context, monkeypatch):
    drop(context, page()[:-2000], "page.html")
    read = Lake.read

    def written_meanwhile(self, name):
        content = read(self, name)
        if name == "inbox/page.html" and len(content) < len(page().encode()):
            drop(context, page(), "page.html")
        return content

    monkeypatch.setattr(Lake, "read", written_meanwhile)
    import_all(context, "r1")
    assert jobs.plan_import(context) == ["page.html"]
    (done,) = import_all(context, "r2")
    assert done.status == "partial"
    assert len(reviews(context)) == 25


# --- ZIPs ---------------------------------------------------------------------------------------


def test_a_zip_of_pages_by_add_and_raw(context, save):
    files = [
        ("saved/reviews.html", page()),
        (f"chain/{MOVIE}/page_001.json", answer(1)),
        (f"chain/{MOVIE}/page_002.json", answer(4)),
        ("saved/reviews_files/app.js", "track('203.0.113.77')"),
        ("__MACOSX/saved/._reviews.html", b"\x00\x05\x16\x07"),
        ("saved/.DS_Store", b"\x00"),
        ("saved/", b""),
    ]
    packed = pack(*files)
    added = jobs.add_to_inbox(save(packed, name="all.zip"), context)
    assert [a.is_new for a in added] == [True, True, True]
    assert added[0].given.endswith("all.zip: saved/reviews.html")
    done = import_all(context)
    assert [p.status for p in done] == ["partial"] * 3
    assert len(reviews(context)) == 25 + 6
    before = reviews(context)
    drop(context, packed, "all.zip")
    again = import_all(context, "r2")
    assert sorted(p.name for p in again) == sorted(p.name for p in done)
    assert reviews(context) == before
    assert not [n for n in inbox_names(context) if not n.startswith("done/")]
    assert_nothing_private(context)


def hostile(kind):
    """A ZIP that means harm, and what of it must be said."""
    good = ("good.html", page("one_unrated"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "dots":
            archive.writestr("../../etc/page.html", page())
        elif kind == "backslashes":
            archive.writestr("..\\page.html", page())
        elif kind == "absolute":
            archive.writestr("/etc/page.html", page())
        elif kind == "nested":
            archive.writestr("inner.zip", pack(good))
        elif kind == "nested in disguise":
            archive.writestr("inner.html", pack(good))
        elif kind == "link":
            link = zipfile.ZipInfo("page.html")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        elif kind == "bomb":
            archive.writestr("bomb.html", b"\0" * (files_limit() + 1))
        elif kind == "lzma":
            archive.writestr("page.html", page(), zipfile.ZIP_LZMA)
        elif kind in ("encrypted", "damaged", "not utf-8"):
            archive.writestr("page.html", page())
        archive.writestr(*good)
    raw = bytearray(packed.getvalue())
    if kind == "encrypted":  # the flag in the local and in the central header of the first file
        raw[6] |= 1
        raw[raw.index(b"PK\x01\x02") + 8] |= 1
    if kind == "damaged":
        raw[200] ^= 0xFF
    if kind == "not utf-8":
        raw = bytearray(bytes(raw).replace(b"page.html", b"p\xe4\xff\x81.html"))
    return bytes(raw)


def files_limit():
    from filmpulse.sources.saved import MAX_BYTES

    return MAX_BYTES


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("dots", "leads out of its folder"),
        ("backslashes", "leads out of its folder"),
        ("absolute", "leads out of its folder"),
        ("nested", "an archive within an archive"),
        ("nested in disguise", "an archive within an archive"),
        ("link", "is a link to another file"),
        ("bomb", "is larger than 64 MB"),
        ("lzma", "is packed in an unusual way"),
        ("encrypted", "is encrypted"),
        ("damaged", "is damaged"),
        ("not utf-8", None),
    ],
)
def test_hostile_files_in_a_zip_fail_alone(context, save, kind, says):
    path = save(hostile(kind), name="hostile.zip")
    added = jobs.add_to_inbox(path, context)
    assert [a.is_refused for a in added] == [says is not None, False]
    assert says is None or says in added[0].sentence
    drop(context, path.read_bytes(), "hostile.zip")
    pages = import_all(context)
    refused = [p for p in pages if p.reason == "archive"]
    assert len(refused) == (says is not None)
    assert {p.status for p in pages if p not in refused} <= {"complete", "partial"}
    for one in refused:
        assert says in one.line
        assert f"failed/{one.name}.reason.txt" in inbox_names(context)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", one.name)
    assert all(".." not in name for name in context.lake.names(""))
    assert_nothing_private(context)


def many(count, name=""):
    return pack(*((f"{name}{n}.html", "x") for n in range(count)))


def overlapping():
    """Two entries that point at the same data, as ZIP bombs do: declared sizes are summed."""
    raw = bytearray(pack(("a.html", b"\0" * 1000), ("b.html", b"\0" * 1000)))
    second = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<I", raw, second + 42, 0)
    return bytes(raw)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: many(archives.MAX_FILES + 1), "divide it into smaller ones"),
        (lambda: many(20_000, "n" * 200), "more than 1,000 files"),
        (lambda: pack(("a.html", "x"))[:-10], "ZIP"),
        (lambda: b"PK\x05\x06" + b"\0" * 18, "holds no page"),
        (lambda: b"PK\x03\x04" + b"\xff" * 500, "has no end"),
    ],
    ids=["too many", "far too many", "cut off", "empty", "rubbish"],
)
def test_a_zip_that_cannot_be_used_is_refused_whole(context, save, make, says):
    raw = make()
    (refused,) = jobs.add_to_inbox(save(raw, name="bad.zip"), context)
    assert refused.is_refused
    assert says in refused.sentence
    assert inbox_names(context) == []
    drop(context, raw, "bad.zip")
    pages = import_all(context)
    assert [p.reason for p in pages] == ["archive"]
    assert not [n for n in inbox_names(context) if not n.startswith("failed/")]


def test_overlapping_entries_are_no_pages(context, save):
    for added in jobs.add_to_inbox(save(overlapping(), name="bomb.zip"), context):
        assert added.is_refused


def test_zip_entries_keep_the_time_that_their_archive_knows(context, save):
    html = page(visitor=None)
    stamp = int(PAGE_TIME.timestamp())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        exact = zipfile.ZipInfo("exact.html", (2026, 4, 1, 1, 1, 0))
        exact.extra = struct.pack("<HHBi", 0x5455, 5, 1, stamp)
        archive.writestr(exact, html)
        ntfs = zipfile.ZipInfo("ntfs.html", (2026, 4, 1, 1, 1, 0))
        ticks = (stamp + 11_644_473_600) * 10_000_000
        ntfs.extra = struct.pack("<HHIHHQQQ", 0x000A, 32, 0, 1, 24, ticks, 0, 0)
        archive.writestr(ntfs, html)
        archive.writestr(zipfile.ZipInfo("wall.html", (2026, 4, 1, 12, 30, 0)), html)
        archive.writestr(zipfile.ZipInfo("never.html"), html)
    added = jobs.add_to_inbox(save(packed.getvalue(), name="t.zip"), context)
    times = [
        json.loads(context.lake.read(f"inbox/{a.name}.meta.json")).get("saved_at") for a in added
    ]
    at = [t and datetime.fromisoformat(t) for t in times]
    assert at == [PAGE_TIME, PAGE_TIME, PAGE_TIME - timedelta(hours=14), None]


# --- what waits ---------------------------------------------------------------------------------


def test_only_files_wait_in_order_and_at_most_a_thousand(context, monkeypatch):
    for name in ("b.html", "a.html", "c.html.part", ".hidden", "d.html.meta.json", "e.crdownload",
                 "sub/f.html", "sub/f_files/x.js", "done/x.html", "failed/y.html"):  # fmt: skip
        drop(context, "x", name)
    assert jobs.plan_import(context) == ["a.html", "b.html", "sub/f.html"]
    assert "sub/f_files/x.js" not in inbox_names(context)
    monkeypatch.setattr(store, "MOST_AT_ONCE", 2)
    assert jobs.plan_import(context) == ["a.html", "b.html"]


def test_too_large_is_not_even_read(context, monkeypatch, save):
    monkeypatch.setattr(store, "MAX_ARCHIVE_BYTES", 1000)
    drop(context, page(), "big.html")
    (refused,) = import_all(context)
    assert "Larger than" in refused.line
    (added,) = jobs.add_to_inbox(save(page()), context)
    assert added.is_refused


def test_the_command_line(context, save, monkeypatch):
    from typer.testing import CliRunner

    from filmpulse import cli

    monkeypatch.setattr(cli.common, "job_context", lambda: context)
    run = CliRunner().invoke
    listed = run(cli.app, ["inbox", "list"])
    assert "The inbox is empty" in listed.output
    old = datetime(2026, 2, 2, tzinfo=UTC)
    good, bad = save(page()), save("milk", name="shopping.txt")
    answers = save(answer(1), name="answer.json", at=old)
    added = run(cli.app, ["inbox", "add", str(good), str(bad)])
    assert added.exit_code == 1
    assert "added" in added.output
    assert "25 of 5,081 reviews" in added.output
    assert "refused" in added.output
    assert "shopping.txt: Neither HTML nor JSON." in added.output
    dated = ["--imdb-id", MOVIE, "--saved-at", "2026-02-03T10:00"]
    assert run(cli.app, ["inbox", "add", str(answers), *dated]).exit_code == 0
    drop(context, "bread", "raw.txt")
    listed = run(cli.app, ["inbox", "list"]).output
    assert re.search(rf"waits   answer-\w+\.json: {MOVIE}, saved 2026-02-03 10:00 UTC", listed)
    assert "raw.txt: dropped; looked at when it is imported" in listed
    loaded = run(cli.app, ["inbox", "load"])
    assert loaded.exit_code == 1
    assert "25 new, 0 edited" in loaded.output
    assert "Neither HTML nor JSON" in loaded.output
    listed = run(cli.app, ["inbox", "list"]).output
    assert re.search(r"failed  raw-\w+\.txt: Neither HTML nor JSON\..* \(not_imdb\)", listed)
    assert len(reviews(context)) == 28
    assert run(cli.app, ["inbox", "load"]).exit_code == 0


# --- pages that others made ---------------------------------------------------------------------


def test_pages_of_the_sample_site(context, sample_site, save):
    import httpx

    counts = sample_site.counts()
    imdb_id = max(counts, key=counts.__getitem__)
    for path in (f"/title/{imdb_id}/reviews/", f"/title/{imdb_id}/"):
        html = httpx.get(f"{sample_site.url}{path}", timeout=60).text
        assert "192.0.2.44" in html
        drop(context, html, f"{'list' if 'reviews' in path else 'title'}.html")
    first, second = import_all(context)
    assert first.status == "partial"
    assert f"25 of {counts[imdb_id]:,} reviews are in the page" in first.line
    assert second.reason == "title_page"
    for name in context.lake.names(""):
        assert not re.search(rb"192\.0\.2\.44|\bur\d{4,}|sample visitor", context.lake.read(name))
    (movie,) = rows(context, "SELECT * FROM mart.movies")
    assert (movie["reviews"], movie["runtime_minutes"] > 0) == (25, True)


@pytest.fixture(scope="module")
def captures():
    named = os.environ.get("FILMPULSE_CAPTURES", "")
    if not named:
        pytest.skip("FILMPULSE_CAPTURES is unset")
    folder = Path(named)
    return folder / "imdb" if (folder / "imdb").is_dir() else folder


def test_real_pages_through_the_whole_import(context, captures):
    given = sorted(p for p in captures.rglob("*.*") if p.parent.name != "gate")
    added = [a for path in given for a in jobs.add_to_inbox(path, context)]
    refused = {Path(a.given).name for a in added if a.is_refused}
    assert refused == {"2026-01_find.html", "2022-10_empty.json", "2022-10_the-matrix.json"}
    done = {p.name.rpartition("-")[0]: p for p in import_all(context)}
    inception = done.pop("2025-12_tt1375666")
    assert (inception.status, inception.reviews) == ("partial", 25)
    assert "Inception (2010): partial. 25 of 5,081 reviews are in the page." in inception.line
    titles = {name for name, p in done.items() if p.reason == "title_page"}
    assert titles == {"2025-03_tt0111161", "2022-10_tt0133093"}
    chain = [p for p in done.values() if p.imdb_id == "tt33014583"]
    assert sorted(p.reviews for p in chain) == [11, 25, 25]
    counted = rows(context, """SELECT imdb_id, count(*) AS n,
                                    count(*) FILTER (WHERE is_spoiler) AS s,
                                    count(*) FILTER (WHERE rating_1_10 IS NULL) AS u
                             FROM core.reviews GROUP BY imdb_id ORDER BY imdb_id""")  # fmt: skip
    assert [tuple(r.values()) for r in counted] == [
        ("tt1375666", 25, 11, 0), ("tt33014583", 61, 3, 9),
    ]  # fmt: skip
    assert {jobs.label(i, context) for i in ("tt0111161", "tt0133093")} == {
        "The Shawshank Redemption (1994)", "The Matrix (1999)",
    }  # fmt: skip
    # In these files reviewers are `user-0001` and `ur00000001`.
    for name in context.lake.names(""):
        content = context.lake.read(name)
        assert not re.search(rb"\buser-\d{4}\b|\bur\d{4,}\b|0{20}", content), name
