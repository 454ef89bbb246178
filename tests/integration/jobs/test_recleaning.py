"""What earlier versions kept is cleaned again, or goes; once for each version of the rules."""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import LakeUnavailable
from filmpulse.jobs.inbox import store
from filmpulse.jobs.upkeep.clean_again import MARKER, Recleaned, clean_kept
from filmpulse.lake import Lake
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.source import SOURCE

SECRET = "for tests only"
NOW = datetime.now(UTC)
USER, NAME = "ur1000001", "Anna Zażółć 👩‍🚀"
QUARANTINE = "quarantine/imdb/tt99000001"
PAGE = f"""<html><head>
<link rel="canonical" href="https://www.imdb.com/title/tt99000001/reviews/"></head>
<body><article class="user-review-item">
<a data-testid="author-link" href="/user/{USER}/">{NAME}</a><a href="/review/rw1/">x</a>
</article></body></html>""".encode()
CLEAN = clean_page(PAGE.decode(), SECRET.encode()).encode()
ANSWER = json.dumps({"author": {"userId": USER, "nickName": NAME}}).encode()
NO_PAGE = f"<p>Anybody's page, by {NAME}, {USER}".encode()
NOTE = json.dumps({"original_name": "As saved.html", "imdb_id": "tt99000001"}).encode()


def zipped(**members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.html", content)
    return made.getvalue()


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=(tmp_path / "lake").as_uri(),
            author_secret=SECRET,
        )
    )


def put(context, **objects):
    for name, content in objects.items():
        context.lake.write(name, content)


def everything(context):
    found = b""
    for name in context.lake.names(""):
        content = context.lake.read(name)
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = b"".join(archive.read(member) for member in archive.namelist())
        found += gzip.decompress(content) if name.endswith(".gz") else content
    return found.decode("utf-8", "replace")


KEPT = {
    "inbox/done/page.html": PAGE,
    "inbox/failed/answer.json": ANSWER,
    "inbox/failed/pages.zip": zipped(one=PAGE, two=NO_PAGE),
    f"{QUARANTINE}/20261101T000000000000-layout_changed.html.gz": gzip.compress(PAGE),
}
HOPELESS = {
    "inbox/done/other.html": NO_PAGE,
    "inbox/done/half.html.0a1b2c.part": PAGE[:40],
    "inbox/failed/plain.txt": f"Written by {NAME}".encode(),
    "inbox/failed/picture.jpg": b"\xff\xd8\xff\xe0" + USER.encode(),
    "inbox/failed/broken.zip": b"PK\x03\x04" + PAGE,
    "inbox/failed/nothing.zip": zipped(one=NO_PAGE),
    "inbox/failed/table.csv": f"movie,who\ntt99000001,{NAME}\n".encode(),
    "inbox/failed/rows.csv.rejects.csv": f"row,text\n1,{NAME}\n".encode(),
    f"{QUARANTINE}/20261102T000000000000-layout_changed.html.gz": gzip.compress(NO_PAGE),
    f"{QUARANTINE}/20261103T000000000000-layout_changed.html.gz": gzip.compress(PAGE)[:30],
}


def reason_of(name):
    if name.startswith("quarantine"):
        return name.removesuffix(".html.gz") + ".reason.txt"
    file = name.rpartition("/")[2].removesuffix(".rejects.csv")
    return f"inbox/failed/{file}.reason.txt"


def test_what_earlier_versions_kept_is_cleaned_or_goes(context):
    put(context, **KEPT, **HOPELESS)
    put(context, **{"inbox/failed/table.csv.map.yaml": b"source: club\n"})
    put(context, **{"inbox/waits.html": PAGE, "inbox/waits.csv": NAME.encode()})
    took = jobs.apply_retention(context, NOW)
    assert (took.cleaned, took.not_cleaned) == (len(KEPT), len(HOPELESS))
    left = set(context.lake.names("")) - {"inbox/waits.html", "inbox/waits.csv"}
    assert left == {*KEPT, *map(reason_of, HOPELESS), MARKER}
    for waits in ("inbox/waits.html", "inbox/waits.csv"):  # an import cleans it
        context.lake.delete(waits)
    assert USER not in everything(context)
    assert NAME not in everything(context)
    assert context.lake.read("inbox/done/page.html") == CLEAN
    with zipfile.ZipFile(io.BytesIO(context.lake.read("inbox/failed/pages.zip"))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"one.html": CLEAN}


def test_reason_name_and_hash_of_what_goes_stay(context):
    context.lake.write("inbox/failed/page.html", NO_PAGE)
    context.lake.write("inbox/failed/page.html.meta.json", NOTE)
    context.lake.write(
        "inbox/failed/page.html.reason.txt", b"No cards.\n\nreason: layout_changed\n"
    )
    context.lake.write("inbox/done/other.html", NO_PAGE)
    assert clean_kept(context) == Recleaned(not_cleaned=2)
    page, other = (store.read_reason(name, context) for name in ("page.html", "other.html"))
    assert page.sentence.startswith("No cards. ")
    assert (page.reason, other.reason) == ("layout_changed", "not_cleaned")
    told = context.lake.read("inbox/failed/page.html.reason.txt").decode()
    assert "As saved.html" in told
    assert sha256(NO_PAGE).hexdigest() in told
    assert context.lake.read("inbox/failed/page.html.meta.json") == NOTE
    assert NAME not in everything(context)


def test_what_is_clean_is_not_written(context, monkeypatch):
    put(
        context,
        **{
            "inbox/done/page.html": CLEAN,
            "inbox/done/page.html.meta.json": NOTE,
            "inbox/failed/page.json.reason.txt": b"no\n",
            "inbox/failed/pages.zip": zipped(one=CLEAN, two=CLEAN),
            f"{QUARANTINE}/20261101T000000000000-layout_changed.html.gz": gzip.compress(CLEAN),
            f"{QUARANTINE}/20261101T000000000000-layout_changed.reason.txt": b"no\n",
        },
    )
    written = []
    monkeypatch.setattr(Lake, "write", lambda self, name, content: written.append(name))
    assert clean_kept(context) == Recleaned()
    assert written == [MARKER]


def test_all_is_looked_through_once_for_each_version_of_the_rules(context, monkeypatch):
    assert clean_kept(context) == Recleaned()
    context.lake.write("inbox/done/page.html", PAGE)
    assert jobs.apply_retention(context, NOW) == jobs.Retained()
    monkeypatch.setattr(SOURCE, "cleaning_rules", SOURCE.cleaning_rules + 1)
    assert clean_kept(context) == Recleaned(cleaned=1)
    assert clean_kept(context) == Recleaned()


@pytest.mark.parametrize("marker", [b"", b"{", b"[]", b'{"rules": null}', b'{"rules": 1}'])
def test_a_marker_that_does_not_name_these_rules_stops_nothing(context, marker):
    put(context, **{MARKER: marker, "inbox/done/page.html": PAGE})
    assert clean_kept(context) == Recleaned(cleaned=1)
    assert clean_kept(context) == Recleaned()


def test_broken_off_anywhere_the_next_round_goes_on(context, monkeypatch):
    put(context, **KEPT, **HOPELESS)
    budget, total = 0, Recleaned()

    def step(real):
        def counted(*args, **options):
            nonlocal budget
            budget -= 1
            if budget < 0:
                raise LakeUnavailable("The lake did not answer.")
            return real(*args, **options)

        return counted

    monkeypatch.setattr(Lake, "write", step(Lake.write))
    monkeypatch.setattr(Lake, "delete", step(Lake.delete))
    rounds = 0
    while True:
        budget = 4
        try:
            total = clean_kept(context)
            break
        except LakeUnavailable:
            rounds += 1
            assert context.lake.size(MARKER) is None
    assert rounds > 3
    assert sum(total) < len(KEPT) + len(HOPELESS)  # the last round had the rest to do alone
    budget = 10**6
    assert set(context.lake.names("")) == {*KEPT, *map(reason_of, HOPELESS), MARKER}
    assert USER not in everything(context)
    for name in HOPELESS:  # told once, however often it was tried
        assert context.lake.read(reason_of(name)).count(b"was deleted") == 1


def test_without_a_secret_authors_go_without_a_key(context):
    bare = jobs.Context(
        context.settings.model_copy(update={"author_secret": None}),
        context.warehouse,
        context.open_lake,
    )
    context.lake.write("inbox/done/page.html", PAGE)
    assert clean_kept(bare) == Recleaned(cleaned=1)
    assert "key-" not in everything(context)
    assert USER not in everything(context)


@pytest.mark.parametrize("content", [PAGE, ANSWER, zipped(one=PAGE, two=NO_PAGE)])
def test_what_an_import_keeps_is_clean_by_these_rules(context, content):
    name = "pages.zip" if content[:2] == b"PK" else "page.html"
    context.lake.write(f"inbox/{name}", content)
    jobs.import_file(name, "run", context)
    before = context.lake.names("")
    assert any(kept.endswith((".html", ".json", ".reason.txt")) for kept in before)
    assert clean_kept(context) == Recleaned()
    assert context.lake.names("inbox") == [kept for kept in before if kept.startswith("inbox/")]
