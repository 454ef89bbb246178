"""Title lists: which files are lists, and which ids are in them, whoever made the file."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.errors import BadInput, LayoutChanged
from filmpulse.sources.saved import MAX_BYTES
from filmpulse.sources.title_lists import MOST_TITLES, name_of, read_list

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
A, B, C = "tt7000001", "tt70000002", "tt700000003"


def found(content, name="anime.txt"):
    content = content.encode() if isinstance(content, str) else content
    read = read_list(name, content)
    return read and list(read.imdb_ids)


def search_page(ids, total=None, links=(), **props):
    """An invented page of the advanced search, with what it says of its visitor."""
    items = [{"titleId": one, "titleText": f"The {n}"} for n, one in enumerate(ids)]
    results = {"titleResults": {"titleListItems": items, "total": total or len(ids)}}
    data = {
        "props": {
            "pageProps": {"searchResults": results} | props,
            "requestContext": {"ipAddress": "203.0.113.77"},
        }
    }
    rows = "".join(f'<a href="/title/{one}/?ref_=sr_t_{n}">x</a>' for n, one in enumerate(links))
    tag = '<script id="__NEXT_DATA__" type="application/json">'
    menu = "<a href='/title/tt9999999/'>menu</a>"
    return f"<html><body>{menu}{rows}{tag}{json.dumps(data)}</script></body></html>"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("one-a-line.txt", f"{A}\n{B}\n{C}\n"),
        ("windows.txt", f"{A}\r\n{B}\r\n{C}"),
        ("no-ending", f"{A} {B},{C}"),
        ("prose.md", f"See https://www.imdb.com/title/{A}/?ref_=x, then {B} ({C.upper()})."),
        ("plain.csv", f"{A}\n{B}\n{C}\n"),
        ("names.csv", f"const,title\n{A},The Lamp Keeper\n{B},Salt\n{C},Orchard\n"),
        ("tabs.tsv", f"id\turl\n1\thttps://www.imdb.com/title/{A}/\n2\t{B}\n3\t{C}\n"),
        ("objects.json", json.dumps([{"type": "TV", "imdb_id": i, "mal": 7} for i in (A, B, C)])),
        ("nested.json", json.dumps([{"imdb_id": [A, B], "season": {"a": 1}}, {"imdb_id": [C]}])),
        ("flat.json", json.dumps([A, B, C])),
        ("object.json", json.dumps({"anime": {"x": A, "y": [B, C]}})),
        ("lines.jsonl", "".join(json.dumps({"imdb": i, "n": 1}) + "\n" for i in (A, B, C))),
        ("list.xml", f'<?xml version="1.0"?><l><a imdbid="{A}"/><a imdbid="{B},{C}"/></l>'),
        ("reviews.ids", f"<html><body>{A} {B} {C}</body></html>"),
        ("table.ids", f"movie,review\n{A},{'A fine film about people. ' * 9}\n{B},x\n{C},y\n"),
    ],
)
def test_ids_are_found_wherever_they_stand(name, content):
    assert found(content, name) == [A, B, C]
    assert found(gzip.compress(content.encode()), f"{name}.gz") == [A, B, C]


@pytest.mark.parametrize(
    "encoded",
    [
        codecs.BOM_UTF8 + f"{A} Łódź\n{B}".encode(),
        f"{A} Łódź\n{B}".encode("utf-16"),
        codecs.BOM_UTF16_BE + f"{A} Łódź\n{B}".encode("utf-16-be"),
        f"{A} and\n{B}".encode("utf-16-le"),
        f"{A} Größe\n{B}".encode("cp1252"),
        f"{A} 旅人\n{B}".encode("shift_jis"),
        f"{A} 旅人\n{B}".encode("iso2022_jp"),
        f"{A} ".encode() + b"\xff\xfe\xfd" + f"\n{B}".encode(),
    ],
)
def test_the_encoding_does_not_matter(encoded):
    assert found(encoded) == [A, B]


def test_ids_are_counted_once_in_the_order_of_the_file_and_odd_ones_are_named():
    read = read_list("a.txt", f"{B} {A} {B} tt123456 tt123456789012 att7000009 {A}x".encode())
    assert read.imdb_ids == (B, A)
    assert (read.repeated, read.odd, read.origin) == (1, ("tt123456", "tt123456789012"), "ids")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", "milk, bread"),
        ("odd.txt", "tt12345 and tt1234567890"),
        ("empty.txt", ""),
        ("table.csv", f"movie,review\n{A},{'A fine film about people. ' * 9}\n"),
        ("text.jsonl", json.dumps({"imdb_id": A, "body": "Good film", "rating": 8})),
        ("answer.json", json.dumps({"data": {"title": {"id": A}}})),
        ("suggestions.json", json.dumps({"d": [{"id": A, "l": "The Lamp Keeper"}], "q": "x"})),
        ("letter.html", f"<html><body><a href='/title/{A}/'>A film</a></body></html>"),
        ("page.mhtml", f"From: x\nContent-Type: multipart/related; boundary=b\n\n<html>{A}"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0" + A.encode()),
        ("film.mp4", b"\0\0\0\x18ftypmp42" + A.encode()),
    ],
)
def test_other_files_are_no_lists(name, content):
    assert found(content, name) is None


def test_pages_of_reviews_and_titles_are_no_lists():
    for path in PAGES.glob("*/*/input.*"):
        assert found(path.read_bytes(), path.name) is None, path


def test_an_archive_is_no_list():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", A)
    assert found(packed.getvalue(), "a.zip") is None
    assert found(packed.getvalue(), "a.xlsx") is None


@pytest.mark.parametrize("content", [b"", b"no id", b"tt123456 tt123456789012", b"\0" * 999])
def test_a_file_that_says_it_is_a_list_must_hold_an_id(content):
    with pytest.raises(BadInput) as error:
        read_list("anime.ids", content)
    assert error.value.reason == "no_ids"


def test_a_broken_or_huge_gzip_is_refused():
    packed = gzip.compress(f"{A}\n".encode() * 9_999)
    for content in (packed[:-9], packed[:40], gzip.compress(b" " * (MAX_BYTES + 1))):
        with pytest.raises(BadInput) as error:
            read_list("anime.txt.gz", content)
        assert error.value.reason == "archive"


def test_megabytes_of_text_are_read_and_too_many_titles_are_refused():
    text = ("words without end, " * 20 + f"{A}\n") * 5_000  # 2 MB
    assert read_list("a.txt", text.encode())._replace(odd=()) == ("ids", (A,), 4_999, (), None)
    assert found("t" * 2_000_000) is None
    assert found("tt" * 1_000_000 + "7" * 1_000_000) is None
    with pytest.raises(BadInput) as error:
        read_list("a.txt", "\n".join(f"tt{n:07}" for n in range(MOST_TITLES + 1)).encode())
    assert error.value.reason == "too_large"


def test_one_id_again_and_again_takes_little_memory():
    content = f"{A}\n".encode() * 300_000  # 3 MB
    tracemalloc.start()
    try:
        read = read_list("a.ids", content)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (read.imdb_ids, read.repeated) == ((A,), 299_999)
    assert most < 5 * len(content)  # as text; a list of the ids alone takes 20 MB


def test_a_saved_search_page_gives_its_titles_in_order_and_those_loaded_later():
    read = read_list("x.html", search_page([B, A], total=6_879, links=[B, A, C]).encode())
    assert read.imdb_ids == (B, A, C)
    assert (read.origin, read.announced) == ("search_page", 6_879)
    assert found(search_page([A]), "x.ids") == [A]
    assert found(search_page([A]).encode("utf-16"), "x.htm") == [A]


@pytest.mark.parametrize(
    "results",
    [
        {"titleResults": {}},
        {"titleResults": {"titleListItems": []}},
        {"titleResults": {"titleListItems": "x"}},
        {"titleResults": {"titleListItems": [{"titleId": "nm0000001"}]}},
        {"titleResults": {"titleListItems": [None]}},
    ],
)
def test_a_search_page_that_cannot_be_read_is_no_empty_list(results):
    with pytest.raises(LayoutChanged):
        read_list("x.html", search_page([A], searchResults=results).encode())


@pytest.mark.parametrize("results", [None, 7, [], {"nameResults": {}}, {"titleResults": None}])
def test_a_search_for_something_else_is_no_list(results):
    assert found(search_page([A], searchResults=results), "x.html") is None


@pytest.mark.parametrize(
    ("file_name", "origin", "expected"),
    [
        ("anime.txt", "ids", ("anime", 0)),
        ("anime.TXT.gz", "ids", ("anime", 0)),
        ("My best (2).csv", "ids", ("My best (2)", 0)),
        ("anime.html", "search_page", ("anime", 0)),
        ("anime-2.html", "search_page", ("anime", 2)),
        ("anime_03.htm", "search_page", ("anime", 3)),
        ("anime (4).html", "search_page", ("anime", 4)),
        ("anime(4).html", "search_page", ("anime", 4)),
        ("films-1999.html", "search_page", ("films-1999", 0)),
        ("2.html", "search_page", ("2", 0)),
        ("C:\\a\\b\\anime.ids", "ids", ("anime", 0)),
        ("../../etc/anime.ids", "ids", ("anime", 0)),
        ("  a\tb\u202e .ids", "ids", ("a b", 0)),
        (".ids", "ids", (".ids", 0)),
        ("x" * 99 + ".txt", "ids", ("x" * 60, 0)),
        ("旅人.txt", "ids", ("旅人", 0)),
    ],
)
def test_a_list_is_called_as_its_file(file_name, origin, expected):
    assert tuple(name_of(file_name, origin)) == expected


@given(st.text(max_size=200), st.sampled_from(["ids", "search_page"]))
def test_every_name_can_be_stored(file_name, origin):
    name, page = name_of(file_name, origin)
    assert 1 <= len(name) <= 60
    assert name == name.strip()
    assert name.encode()
    assert "\0" not in name
    assert 0 <= page <= 99


@given(st.binary(max_size=400), st.sampled_from(["a.ids", "a.txt", "a.csv", "a.json", "a", "a.gz"]))
def test_whatever_the_file_it_is_read_or_refused(content, name):
    for given_content in (content, content + b" tt7000001 " + content):
        try:
            read = read_list(name, given_content)
        except BadInput:
            continue
        assert read is None or read.imdb_ids
