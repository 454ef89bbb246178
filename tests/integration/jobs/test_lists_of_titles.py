"""Title lists: from the inbox into the warehouse, and back from the lake."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.jobs.inbox import title_lists
from filmpulse.warehouse.load import ensure_movie

A, B, C, D = "tt7000001", "tt7000002", "tt70000003", "tt700000004"
SECRET_WORDS = (b"203.0.113.77", b"Vera Visitor", b"Invented Person")


@pytest.fixture
def context(warehouse_url, tmp_path):
    settings = Settings(
        warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(), author_secret="s" * 32
    )
    return jobs.Context.from_settings(settings)


def search_page(*ids):
    """An invented page of the advanced search, saved by somebody who is signed in."""
    items = [{"titleId": one, "titleText": "A title"} for one in ids]
    props = {"searchResults": {"titleResults": {"titleListItems": items, "total": 99}}}
    visit = {"ipAddress": "203.0.113.77", "sidecar": {"account": {"userName": "Vera Visitor"}}}
    data = json.dumps({"props": {"pageProps": props | {"requestContext": visit}}})
    tag = '<script id="__NEXT_DATA__" type="application/json">'
    return f"<html><p>Vera Visitor</p>{tag}{data}</script></html>"


def add(context, **files):
    """Add files as a person would, named `anime_txt`, and import them; return their lines."""
    added = []
    for name, content in files.items():
        stem, _, ending = name.rpartition("_")
        packed = io.BytesIO(content.encode() if isinstance(content, str) else content)
        added += jobs.add_upload(packed, f"{stem.replace('__', '-')}.{ending}", context)
    assert all(one.is_new for one in added), added
    return import_all(context)


def import_all(context):
    names = jobs.plan_import(context)
    imported = [jobs.import_file(name, "run", context) for name in names]
    assert not any(one.imdb_ids for one in imported)
    return [page for one in imported for page in one.pages]


def rows(context, statement):
    with context.warehouse.connect() as connection:
        return connection.execute(statement).fetchall()


def lists(context):
    """Return the titles of each list, in their order, as the mart has them."""
    found = rows(
        context,
        "SELECT title_list, position, imdb_id FROM mart.title_list_members ORDER BY 1, 2",
    )
    for name in {row["title_list"] for row in found}:
        places = [row["position"] for row in found if row["title_list"] == name]
        assert places == list(range(1, len(places) + 1))
    shown = {}
    for row in found:
        shown.setdefault(row["title_list"], []).append(row["imdb_id"])
    counts = {one.title_list: one.titles for one in jobs.list_lists(context)}
    assert counts == {name: len(ids) for name, ids in shown.items()}
    return shown


def test_a_file_of_ids_becomes_a_list_and_only_its_ids_are_kept(context):
    text = f"Invented Person's list\n{B} is fine\n{A}\n{B}\n"
    (added,) = jobs.add_upload(io.BytesIO(text.encode()), "anime.txt", context)
    assert added.is_new
    waiting = [n for n in context.lake.names("inbox") if not n.endswith(".meta.json")]
    assert [context.lake.read(name) for name in waiting] == [f"{B}\n{A}\n".encode()]
    (again,) = jobs.add_upload(io.BytesIO(text.encode()), "anime.txt", context)
    assert (again.is_new, again.name) == (False, added.name)
    assert [one.about for one in jobs.list_inbox(context)[0]] == ["titles of the list anime"]

    (page,) = import_all(context)
    assert (page.status, page.imdb_id, page.manifest_uri, page.changed_rows) == (
        "complete", None, None, 0,
    )  # fmt: skip
    assert lists(context) == {"anime": [B, A]}
    assert context.lake.names("inbox") == []
    told = jobs.review_import("run", [page.name], [jobs.Imported(page.name, [page])], context)
    assert (told.lines, told.failures) == ([page.line], [])
    assert rows(context, "SELECT 1 FROM core.movies UNION ALL SELECT 1 FROM ops.collections") == []
    for name in context.lake.names(""):
        assert not any(word in context.lake.read(name) for word in SECRET_WORDS), name


def test_a_new_file_of_ids_replaces_its_list_and_leaves_others(context):
    add(context, anime_txt=f"{A} {B} {C}", other_ids=D)
    add(context, anime_csv=f"{C}\n{D}\n")
    assert lists(context) == {"anime": [C, D], "other": [D]}
    add(context, anime_txt=f"{A} {B} {C}")  # the first one again
    assert lists(context)["anime"] == [A, B, C]


def test_search_pages_add_up_by_number_and_a_page_saved_anew_replaces_its_own(context):
    (first,) = add(context, anime__2_html=search_page(C, A))
    assert first.status == "complete"
    add(context, anime_html=search_page(A, B))
    assert lists(context) == {"anime": [A, B, C]}
    add(context, anime__2_html=search_page(D))
    assert lists(context) == {"anime": [A, B, D]}
    (same,) = add(context, anime__2_html=search_page(D))
    assert same.status == "complete"
    assert lists(context) == {"anime": [A, B, D]}
    add(context, anime_ids=C)
    assert lists(context) == {"anime": [C]}
    add(context, anime__7_html=search_page(B, C))
    assert lists(context) == {"anime": [C, B]}
    for name in context.lake.names(""):
        assert not any(word in context.lake.read(name) for word in SECRET_WORDS), name


def test_files_that_were_dropped_raw_are_told_apart(context):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("folder/zipped.txt", f"{A} {B}")
        archive.writestr("found.html", search_page(C))
    for name, content in {
        "plain.txt": f"{A}\n".encode(),
        "table.csv": f"const,title\n{B},Salt\n".encode(),
        "objects.json": json.dumps([{"imdb_id": C}]).encode(),
        "reviews.csv": f"movie,review\n{D},{'A fine film about people. ' * 9}\n".encode(),
        "nothing.ids": b"tt123456",
        "letter.txt": b"milk, bread",
        "all.zip": packed.getvalue(),
    }.items():
        context.lake.write(f"inbox/{name}", content)
    pages = import_all(context)
    assert lists(context) == {
        "plain": [A], "table": [B], "objects": [C], "zipped": [A, B], "found": [C],
    }  # fmt: skip
    failed = {page.reason for page in pages if page.status == "failed"}
    assert failed == {"bad_input", "no_ids", "not_imdb"}
    left = [name for name in context.lake.names("inbox") if not name.endswith(".reason.txt")]
    assert left == []


def test_a_list_survives_retention_a_rebuild_and_another_lake(context, tmp_path):
    add(context, anime_ids=f"{A} {B}", anime__3_html=search_page(C), other_txt=D)
    shown = lists(context)
    jobs.apply_retention(context, datetime.now(UTC) + timedelta(days=4_000))
    assert lists(context) == shown
    rows(context, "DELETE FROM core.title_lists WHERE title_list = 'anime' RETURNING 1")
    rows(context, "UPDATE core.title_list_members SET imdb_id = 'tt7000009' RETURNING 1")
    jobs.rebuild(context)
    assert lists(context) == shown
    before = rows(context, "SELECT *, xmin::text FROM core.title_list_members")
    jobs.rebuild(context)
    assert rows(context, "SELECT *, xmin::text FROM core.title_list_members") == before

    elsewhere = context.settings.model_copy(update={"lake_url": (tmp_path / "new").as_uri()})
    moved = jobs.Context.from_settings(elsewhere)
    add(moved, anime__4_html=search_page(D))
    assert lists(moved)["anime"] == [A, B, C, D]
    jobs.remove_list("anime", moved)
    assert lists(moved) == {"other": [D]}
    jobs.rebuild(moved)
    assert lists(moved) == {"other": [D]}
    with pytest.raises(BadInput):
        jobs.remove_list("anime", moved)
    with pytest.raises(BadInput):
        jobs.show_list("anime", 5, moved)


def test_parts_that_cannot_be_read_are_passed_over(context):
    add(context, anime_ids=A, anime__2_html=search_page(B))
    part = next(n for n in context.lake.names(title_lists.FOLDER) if n.endswith("page-02.json"))
    context.lake.write(part, b"{")
    jobs.rebuild(context)
    assert lists(context) == {"anime": [A]}


def test_pages_that_are_imported_at_once_are_all_taken(context):
    pages = {f"tt80000{n:02}": search_page(f"tt80000{n:02}") for n in range(12)}
    for n, content in enumerate(pages.values()):
        jobs.add_upload(io.BytesIO(content.encode()), f"many-{n}.html", context)
    names = jobs.plan_import(context)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: jobs.import_file(name, "run", context), names))
    assert lists(context) == {"many": list(pages)}


def test_an_erased_movie_stays_in_lists(context):
    add(context, anime_ids=f"{A} {B}")
    context.lake.write("inbox/waits.txt", f"{A} {B}".encode())
    jobs.add_upload(io.BytesIO(f"{A}".encode()), "added.ids", context)
    page = search_page(B)
    jobs.add_upload(io.BytesIO(page.encode()), "searched.html", context)
    with context.warehouse.connect() as connection:
        ensure_movie(connection, A)
    jobs.erase("movie", A, context)
    assert rows(context, "SELECT 1 FROM core.movies") == []
    import_all(context)
    assert lists(context) == {"anime": [A, B], "waits": [A, B], "added": [A], "searched": [B]}


def test_a_list_says_what_the_catalogue_holds(context):
    rows(
        context,
        "INSERT INTO catalogue_live.title_basics (tconst, primary_title, start_year) "
        "VALUES ('tt7000002', 'Salt and Thunder', 2024) RETURNING 1",
    )
    add(context, anime_ids=f"{A} {B} {C}")
    (shown,) = jobs.list_lists(context)
    assert (shown.titles, shown.known_titles, shown.origin) == (3, 1, "ids")
    held, titles = jobs.show_list("anime", 2, context)
    assert held.imdb_ids == [A, B, C]
    assert [(one.position, one.imdb_id, one.title, one.year) for one in titles] == [
        (1, A, None, None), (2, B, "Salt and Thunder", 2024),
    ]  # fmt: skip
