"""Files that name movies: what counts, what is passed over, and what is refused."""

import gzip

import pytest

from filmpulse.errors import BadInput
from filmpulse.sources.id_files import SHOWN_WRONG, read_ids

A, B, C = "tt0111161", "tt0068646", "tt12345678"
EXPORT = """Position,Const,Created,Modified,Description,Title,URL,Title Type
1,tt0111161,2020-01-01,,"see tt0068646,
and more",Shawshank,https://www.imdb.com/title/tt0111161/,movie
2,tt12345678,2020-01-02,,,"Other, the",https://www.imdb.com/title/tt12345678/,movie
"""


def ids(content, name="list.txt"):
    return list(
        read_ids(name, content if isinstance(content, bytes) else content.encode()).imdb_ids
    )


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n{C}\n",
        f"{A}\r\n{B}\r\n\r\n{C}",
        f"{A}\r{B}\r{C}",
        f"\ufeff{A}\n{B}\n{C}",
        f"# mine\n\n  {A.upper()} \nhttps://www.imdb.com/title/{B}/?ref_=x\nm.imdb.com/title/{C}",
        f'["{A}", "{B}",\n "{C}"]',
        f"{A},{B};{C}",
        f"{A}\n{A}\n{B}\n{C}\n{B}",
        f"imdb_id\n{A}\n{B}\n{C}",
        f"Title;IMDb ID\nOne;{A}\nTwo, the;{B}\n\"Three; last\";{C}",
        f"\n\nname\ttconst\nx\t{A}\ny\t{B}\nz\t{C}\n",
    ],
)  # fmt: skip
def test_movies_in_their_order_each_once(content):
    for encoded in (content.encode(), content.encode("utf-16"), gzip.compress(content.encode())):
        assert ids(encoded) == [A, B, C]


def test_of_a_table_only_its_column_counts():
    assert ids(EXPORT) == [A, C]


def test_lines_that_name_no_movie_are_named_and_passed_over():
    found = read_ids("x", f"{A}\ntt1\nDer Herr der Öde\n{B} {C}\nnm0000151\n{A}".encode())
    assert found.imdb_ids == (A, B, C)
    assert (found.repeated, found.wrong_lines) == (1, 3)
    assert found.wrong == ((2, "tt1"), (3, "Der Herr der Öde"), (5, "nm0000151"))
    table = read_ids("x", f"id,title\n{A},one\n,two\n\n{B},\n7,four\n".encode())
    assert table.imdb_ids == (A, B)
    assert [line.number for line in table.wrong] == [3, 6]


def test_a_hundred_thousand_lines_of_which_many_are_wrong():
    lines = [f"tt{n:07}" if n % 2 else f"line {n}" for n in range(1, 100_001)]
    found = read_ids("x", "\n".join(lines).encode())
    assert (len(found.imdb_ids), found.wrong_lines, len(found.wrong)) == (
        50_000,
        50_000,
        SHOWN_WRONG,
    )


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n\n", b"no id here", b"id,title\n", b"\x89PNG\r\n\x1a\n\0\0tt0111161",
        f"{A}\n".encode() * 3_000 + b"\0\0\x01", b"<html><body>tt0111161</body></html>",
        b"\x1f\x8bbroken", b'id,note\ntt0111161,"' + b"x" * 20_000_000, b"tt1\n" * 9,
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(content):
    with pytest.raises(BadInput):
        ids(content)


def test_too_many_movies_are_refused():
    with pytest.raises(BadInput) as refused:
        ids("\n".join(f"tt{n:07}" for n in range(200_001)))
    assert refused.value.reason == "too_large"


def test_what_is_shown_of_a_line_is_short_and_harmless():
    found = read_ids("x", f"{A}\n\x1b[31m{'y' * 500}".encode())
    (line,) = found.wrong
    assert "\x1b" not in line.text
    assert len(line.text) <= 80


def test_one_very_long_line_is_a_list():
    many = [f"tt{n:07}" for n in range(1, 30_001)]
    for between in (" ", ",", ", "):
        assert list(read_ids("x", between.join(many).encode()).imdb_ids) == many
