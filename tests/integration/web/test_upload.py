"""What a person brings in through the page: pages, tables, and all that is no page."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest
from helpers.house import House
from lxml import html

from filmpulse import jobs
from filmpulse.config import Settings

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
MOVIE = "tt7000001"
PART = {"HX-Request": "true"}
SCRIPT = "<script>alert(1)</script>"


def saved_page(case="username_25_of_5081"):
    return (PAGES / "imdb.ReviewsPage" / case / "input.html").read_bytes()


@pytest.fixture
def context(warehouse_url, tmp_path):
    settings = Settings(
        warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(), author_secret="s" * 32
    )
    return jobs.Context.from_settings(settings)


@pytest.fixture
def door(context):
    return House(context)


@pytest.fixture
def client(door):
    with door.client("editor", follow_redirects=False) as made:
        yield made


def send(client, *files, **fields):
    """Send files as a browser does; return the lines of the answer as (state, text)."""
    parts = [("files", (name, content)) for name, content in files]
    answer = client.post("/upload/pages", files=parts, data=fields, headers=PART)
    assert answer.status_code == 200, answer.text
    items = html.fragments_fromstring(answer.text)
    return [(i.get("class").split()[-1], i.text_content()) for i in items if not isinstance(i, str)]


def names(context):
    return sorted(context.lake.names(""))


def everything(context):
    return b"\n".join(context.lake.read(name) for name in names(context))


def take(client, content, name="answers.csv", step="look", **fields):
    """Do a step with a table; return the answer's tree."""
    answer = client.post(
        "/upload/table", files={"file": (name, content)}, data={"step": step, **fields},
        headers=PART,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return html.fromstring(f"<div>{answer.text}</div>")


def chosen(tree):
    """Return the fields of the form as a browser would send them."""
    fields: dict[str, list[str]] = {}
    for one in tree.xpath("//input | //select"):
        if one.tag == "select":
            picked = one.xpath("option[@selected]/@value") or one.xpath("option/@value")[:1]
            fields.setdefault(one.get("name"), []).append(picked[0])
        elif one.get("type") != "checkbox" or one.get("checked") is not None:
            fields.setdefault(one.get("name"), []).append(one.get("value") or "")
    return fields


def holds(tree):
    """Return which column is which field in the form."""
    columns, fields = (tree.xpath(f"//*[@name='{name}']") for name in ("column", "field"))
    said = [(f.xpath("option[@selected]/@value") or [""])[0] for f in fields]
    return {c.get("value"): f for c, f in zip(columns, said, strict=True) if f}


def survey(count=30, **changes):
    out = io.StringIO(newline="")
    row = {"imdb_id": MOVIE, "no": "", "text": "", "stars": "", "date": "", "who": ""}
    writer = csv.DictWriter(out, row)
    writer.writeheader()
    for n in range(count):
        cells = row | {
            "no": f"a{n}", "text": f"The acting is superb in scene {n}, and the choir sings well.",
            "stars": f"{n % 10 + 1}", "date": f"2024-05-{n % 28 + 1:02}",
            "who": f"Invented Person {n}",
        }  # fmt: skip
        writer.writerow(cells | changes)
    return out.getvalue().encode()


def test_pages_answers_and_zips_go_into_the_inbox_as_by_the_command_line(client, context, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.html", saved_page("one_unrated"))
    sent = send(
        client, ("a.html", saved_page()), ("b.html", b"<html>no page</html>"),
        ("c.zip", packed.getvalue()), ("a.html", saved_page()),
    )  # fmt: skip
    assert [state for state, _ in sent] == ["added", "refused", "added", "known"]
    by_page = {name for name in names(context) if not name.endswith(".json")}
    assert not re.search(rb"\bur\d{4,}", everything(context))

    (tmp_path / "a.html").write_bytes(saved_page())
    (known,) = jobs.add_to_inbox(tmp_path / "a.html", context)
    # The same file has another name only where its date says when it was saved.
    assert known.name.startswith("a-")
    assert by_page <= {name for name in names(context) if not name.endswith(".json")}


def test_the_browsers_date_of_a_file_counts_as_that_of_a_file(client, context):
    send(client, ("a.html", saved_page()), modified="1777000000000")
    ((wait,),) = (jobs.look_into_inbox(context, 9).waits,)
    assert wait.note.saved_at_source in ("page", "file")
    for odd in ("", "x", "-1", "9" * 30, "1e5"):
        ((state, _),) = send(client, ("b.html", saved_page("one_unrated")), modified=odd)
        assert state in ("added", "known")


def test_a_page_that_names_no_movie_takes_the_one_that_was_typed(client, context):
    node = {"id": "rw8000001", "author": {"userId": "ur8000001"},
            "summary": {"originalText": "H"}, "text": {"originalText": {"plaidHtml": "Fine."}},
            "submissionDate": "2026-02-14"}  # fmt: skip
    reviews = {"total": 1, "edges": [{"node": node}], "pageInfo": {"hasNextPage": False}}
    answer = json.dumps({"data": {"title": {"reviews": reviews}}}).encode()
    assert [s for s, _ in send(client, ("x.json", answer))] == ["refused"]
    typed = f"https://www.imdb.com/title/{MOVIE}/"
    assert [s for s, _ in send(client, ("x.json", answer), movie=typed)] == ["added"]
    wrong = client.post(
        "/upload/pages", files={"files": ("x.json", answer)}, data={"movie": "x"}, headers=PART
    )
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\a\\b.html", "a\0b.html",
        "x" * 300 + ".html", "\u202egnp.html", "..", ".", "inbox/done/x.html", SCRIPT + ".html",
        "a\r\nSet-Cookie: x.html", "päge 🎬.html", "con.html",
    ],
)  # fmt: skip
def test_no_name_leads_anywhere(client, context, name):
    ((state, text),) = send(client, (name, saved_page()))
    assert state == "added"
    found = [n for n in names(context) if not n.endswith(".json")]
    assert len(found) == 1
    assert re.fullmatch(r"inbox/[A-Za-z0-9._-]{1,80}\.html", found[0])
    assert "\u202e" not in text
    assert len(text) < 400


def test_what_is_shown_of_a_file_is_escaped(client, context):
    body = f"<html><head><title>{SCRIPT}</title></head><body>{SCRIPT}</body></html>".encode()
    answer = client.post("/upload/pages", files={"files": (f"{SCRIPT}.html", body)}, headers=PART)
    assert "<script" not in answer.text
    table = f"imdb_id,{SCRIPT},text\n{MOVIE},{SCRIPT},{SCRIPT} and more words than a name has\n"
    tree = take(client, table.encode(), name=f"{SCRIPT}.csv")
    assert not tree.xpath("//script")
    fields = chosen(tree) | {"step": "try"}
    assert not take(client, table.encode(), **fields).xpath("//script")
    answer = client.get("/upload")
    assert SCRIPT not in answer.text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-1.7"), ("a.png", b"\x89PNG\r\n\x1a\n"), ("a.html", b""),
        ("a.zip", b"PK\x03\x04"),
        ("a.html", b"<html><body>Another site</body></html>"), ("a.txt", b"plain"),
        ("a.html", b"\xff\xfe" + b"<\0" * 10), ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ],
)  # fmt: skip
def test_what_is_no_page_of_the_site_is_refused_and_not_kept(client, context, name, content):
    ((state, text),) = send(client, (name, content))
    assert (state, len(text) > 10) == ("refused", True)
    assert names(context) == []


BOUNDED = """
import io, resource, sys, zipfile
from filmpulse import jobs
from filmpulse.config import Settings
context = jobs.Context.from_settings(
    Settings(warehouse_url=sys.argv[1], lake_url=sys.argv[2], author_secret="s" * 32)
)
jobs.add_upload(io.BytesIO(b"<html>x</html>"), "warm.html", context)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[3], "rb") as file:
    added = jobs.add_upload(file, sys.argv[3], context)
assert all(one.is_refused for one in added), added
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, len(added))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units")
@pytest.mark.parametrize(("kind", "most_mb"), [("50 MB", 20), ("bomb", 60), ("many bombs", 120)])
def test_large_files_are_refused_without_memory(warehouse_url, tmp_path, kind, most_mb):
    path = tmp_path / "large.zip"
    if kind == "50 MB":
        path.write_bytes(b"<html>" + b"x" * 50_000_000)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for n in range(1 if kind == "bomb" else 12):
                size = 600_000_000 if kind == "bomb" else 24_000_000
                with archive.open(f"{n}.html", "w") as out:
                    for _ in range(size // 1_000_000):
                        out.write(b"\0" * 1_000_000)
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, warehouse_url, (tmp_path / "lake").as_uri(), str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    grown, count = map(int, done.stdout.split())
    assert grown < most_mb
    assert count == (12 if kind == "many bombs" else 1)


def test_a_large_upload_is_answered_in_words_and_holds_no_memory(client, context):
    content = b"<html>" + b"x" * 50_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ((state, text),) = send(client, ("large.html", content))
    assert (state, "25 MB" in text) == ("refused", True)
    ((problem,),) = (take(client, content, "large.csv").xpath("//*[@role='alert']"),)
    assert "25 MB" in problem.text_content()
    answer = client.post(
        "/upload/pages", files={"files": ("x.html", b"x" * 70_000_000)}, headers=PART
    )
    assert answer.status_code == 413
    assert names(context) == []
    # The client holds the file and its form itself; the server adds no third of it.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries give memory back themselves")
def test_a_large_page_leaves_the_memory_as_it_was(client, context):
    page = saved_page()
    begin, end = page.index(b"<article"), page.rindex(b"</article>") + len(b"</article>")
    cards = page[begin:end] * (4_000_000 // (end - begin))
    send(client, ("small.html", page))
    before = psutil.Process().memory_info().rss
    send(client, ("large.html", page[:begin] + cards + page[end:]))
    assert psutil.Process().memory_info().rss - before < 60_000_000


def test_a_table_is_mapped_tried_and_imported_without_being_kept(client, context, door):
    content = survey()
    tree = take(client, content)
    assert holds(tree) == {
        "imdb_id": "imdb_id", "no": "review_id", "text": "body", "stars": "rating",
        "date": "submitted_on",
    }  # fmt: skip
    assert names(context) == []
    fields = chosen(tree)
    fields["field"][fields["column"].index("who")] = "author"

    tried = take(client, content, **fields | {"step": "try"})
    assert holds(tried)["who"] == "author"
    assert "30" in tried.xpath("string(//section[@class='trial']/p[1])")
    assert len(tried.xpath("//ol[@class='first']/li")) == 5
    assert names(context) == []

    unnamed = take(client, content, **fields | {"step": "import"})
    assert unnamed.xpath("//*[@role='alert']")
    assert names(context) == []

    said = {"source": "survey", "rights": "Answers to our own survey.", "step": "import"}
    added = take(client, content, **chosen(tried) | said)
    assert added.xpath("//div[contains(@class, 'good')]")
    stored = everything(context)
    assert b"Invented Person" not in stored
    (name,) = jobs.plan_import(context)
    again = take(client, content, **chosen(tried) | said)
    assert "waits already" in again.text_content()

    assert client.post("/upload/import", headers=PART).status_code == 200
    assert door.started == [("import_saved_pages", {}, "editor")]
    jobs.import_file(name, "run", context)
    shown = client.get("/upload/inbox").text
    assert "30 new" in shown
    assert "every 4s" not in shown  # nothing waits any more


def test_the_trials_faults_are_shown_with_their_rows(client):
    lines = survey(6).decode().splitlines()
    lines[2] = lines[2].replace(MOVIE, "no movie")
    lines[4] = lines[4].replace("2024-05", "2999-05")
    content = "\r\n".join(lines).encode()
    tree = take(client, content)
    tried = take(client, content, **chosen(tree) | {"step": "try"})
    faults = [li.text_content() for li in tried.xpath("//ul[@class='faults']/li")]
    assert len(faults) == 2
    assert "in row 3" in faults[0]
    assert "in row 5" in faults[1]


def test_a_person_corrects_what_was_proposed(client):
    content = b"film;words;points\r\n" + b"".join(
        f"{MOVIE};The light is lovely, {n}.;{n}\r\n".encode() for n in range(1, 9)
    )
    tree = take(client, content)
    assert holds(tree) == {"film": "imdb_id", "points": "rating"}
    assert "the text" in tree.xpath("string(//*[contains(@class, 'questions')])")
    assert chosen(tree)["delimiter"] == [";"]
    fields = chosen(tree) | {"rating_scale": "100", "step": "try"}
    fields["field"][1] = "body"
    grades = take(client, content, **fields).xpath("//ol[@class='first']/li/p[1]/text()")
    assert "1 of 10" in grades[0]
    wrong = take(client, content, **chosen(tree) | {"delimiter": "|", "step": "again"})
    assert holds(wrong) == {}
    assert len(wrong.xpath("//select[@name='field']")) == 1
    back = take(client, content, **chosen(tree) | {"step": "again"})
    assert holds(back) == holds(tree)
    twice = chosen(tree)
    twice["field"] = ["body"] * 3
    refused = take(client, content, **twice | {"step": "try"})
    assert "the text" in refused.xpath("string(//*[@role='alert'])")
    assert list(holds(refused).values()) == ["body"]


def test_a_small_file_that_holds_much_is_refused(client, context, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_UNPACKED_BYTES", 1_000_000)
    packed = gzip.compress(survey(20_000))
    fields = chosen(take(client, packed, "a.csv.gz"))  # its first rows are no more than that
    for step in ("try", "import"):
        said = {"source": "survey", "rights": "Answers to our own survey.", "step": step}
        tree = take(client, packed, "a.csv.gz", **fields | said)
        assert "larger than 1 MB unpacked" in tree.text_content()
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", " " * 2_000_000)
    assert "1 MB are read" in take(client, book.getvalue(), "a.xlsx").text_content()
    assert names(context) == []


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"a,b\n", b"PK\x03\x04", b"\xff" * 99])
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.json", "a.csv.gz", "a.exe", ""])
def test_what_is_no_table_is_said(client, context, name, content):
    for step in ("look", "again", "try", "import", "nonsense"):
        tree = take(client, content, name, step, column="a", field="body")
        assert tree.xpath("//*[@role='alert' or contains(@class, 'notice')]")
    assert names(context) == []


def test_a_table_among_the_pages_is_told_where_to_go(client, context):
    assert [s for s, _ in send(client, ("a.csv", survey(2)))] == ["table"]
    assert names(context) == []


def test_without_a_script_it_is_whole_pages(client, context, door):
    sent = client.post("/upload/pages", files={"files": ("a.html", saved_page())})
    assert "<!doctype html>" in sent.text
    assert html.fromstring(sent.text).xpath("//li[contains(@class, 'added')]")
    mapped = client.post("/upload/table", files={"file": ("a.csv", survey(5))})
    assert "choose it again" in mapped.text
    assert len(html.fromstring(mapped.text).xpath("//select[@name='field']")) == 6
    done = client.post("/upload/import")
    assert (done.status_code, done.headers["location"]) == (303, "/upload#inbox")
    nothing = client.post("/upload/pages", data={"movie": ""})
    assert "No file was chosen" in nothing.text


def test_what_failed_says_why(client, context):
    context.lake.write("inbox/raw.html", b"<html>another site</html>")
    (name,) = jobs.plan_import(context)
    assert "raw.html" in client.get("/upload/inbox").text
    jobs.import_file(name, "run", context)
    shown = html.fromstring(client.get("/upload").text)
    assert shown.xpath("//li[contains(@class, 'refused')]")


def test_only_those_who_may_change_something_come_here(context):
    house = House(context)
    with house.client("viewer") as client:
        for path in (
            "/upload",
            "/upload/inbox",
            "/add",
            "/add/suggestions?q=x",
            "/add/look?movie=x",
        ):
            assert client.get(path).status_code == 403, path
        for path in ("/upload/pages", "/upload/table", "/upload/import"):
            assert client.post(path, files={"file": ("a.csv", b"x")}).status_code == 403, path
    assert house.started == []


def test_a_form_of_another_site_is_refused(door, context):
    with door.client(None, cookies={"_token": "editor"}) as client:
        forged = client.post("/upload/pages", files={"files": ("a.html", saved_page())})
        assert forged.status_code == 403
    assert names(context) == []


def test_a_lake_that_is_away_is_said_on_the_page(warehouse_url, tmp_path):
    context = jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            author_secret="s" * 32,
            lake_url="s3://filmpulse/lake",
            lake_endpoint_url="http://127.0.0.1:1",
            lake_key="k",
            lake_secret="s",
        )
    )
    with House(context).client() as client:
        assert client.get("/upload").status_code == 200
        ((state, _),) = send(client, ("a.html", saved_page()))
        assert state == "refused"
