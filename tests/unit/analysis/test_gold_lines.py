"""Reading gold lines, from files as people write them and as nobody should."""

from __future__ import annotations

import json

import pytest

from filmpulse.analysis.gold import read_gold
from filmpulse.errors import BadInput


@pytest.fixture
def write(tmp_path):
    def write(*lines, end=b"\n", start=b""):
        path = tmp_path / "labels.jsonl"
        written = [
            line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()
            for line in lines
        ]
        path.write_bytes(start + b"".join(line + end for line in written))
        return path

    return write


def line(**more):
    return {"text": "The choir sings too slowly.", "aspects": {"sound": -1}} | more


def test_every_key_is_read(write):
    whole = line(
        id="g7", title="Orchard", rating_1_10=4, cast=["Ada Moss"], language="en",
        movie="The Glass Orchard", overall=-1, split="unseen",
    )  # fmt: skip
    [found] = read_gold(write(whole))
    assert found.model_dump(exclude={"imdb_id"}) == {
        k: tuple(v) if k == "cast" else v for k, v in whole.items() if k != "split"
    }
    assert found.analysed == "Orchard\n\nThe choir sings too slowly."
    assert found.group == "The Glass Orchard"


def test_what_is_left_out_or_null_is_absent(write):
    null = line(title=None, cast=None, rating_1_10=None, overall=None, id=None, movie=None)
    null["aspects"] = {"sound": None, "acting": 0}
    [bare, found] = read_gold(write(line(), null))
    assert (bare.id, found.id) == (1, 2)
    assert (found.title, found.cast, found.overall, found.group) == ("", (), None, "")
    assert found.aspects == {"acting": 0}


def test_an_id_is_the_number_of_the_line_also_after_empty_lines(write):
    assert [found.id for found in read_gold(write(line(), b"", b"  ", line(), line(id="a")))] == [
        1, 4, "a",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("EN-us", "en"), ("pt_BR", "pt"), ("zh-Hant-TW", "zh"), (" fil ", "fil")],
)
def test_the_language_of_a_tag_is_what_counts(write, tag, language):
    assert [found.language for found in read_gold(write(line(language=tag)))] == [language]


def test_a_movie_may_be_a_number(write):
    found = read_gold(write(line(movie=7), line(movie="7")))
    assert [each.group for each in found] == ["7", "7"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_any_end_of_line_a_mark_and_any_script(write, start, end):
    text = "Żółć 👩\u200d🚀\u2028naïve\x85 «café»"
    found = read_gold(write(line(text=text), line(), start=start, end=end))
    assert [f.text for f in found] == [text, line()["text"]]


def test_the_last_line_needs_no_end(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(line()), encoding="utf-8")
    assert len(read_gold(path)) == 1


WRONG = {
    "no JSON": b'{"text": ',
    "two objects": b"{} {}",
    "a list": b"[]",
    "a number": b"7",
    "not UTF-8": b'{"text": "\xff", "aspects": {}}',
    "deep": b'{"text": ' + b"[" * 100_000,
    "half a character": b'{"text": "\\ud800", "aspects": {}}',
    "no text": {"aspects": {}},
    "text no text": line(text=7),
    "no aspects": {"text": "a"},
    "aspects null": line(aspects=None),
    "aspects a list": line(aspects=["sound"]),
    "unknown aspect": line(aspects={"music": 1}),
    "score too high": line(aspects={"sound": 3}),
    "score too low": line(aspects={"sound": -3}),
    "score in words": line(aspects={"sound": "good"}),
    "score as text": line(aspects={"sound": "1"}),
    "score half": line(aspects={"sound": 0.5}),
    "score true": line(aspects={"sound": True}),
    "score not a number": b'{"text": "a", "aspects": {"sound": NaN}}',
    "overall too high": line(overall=5),
    "grade 0": line(rating_1_10=0),
    "grade 11": line(rating_1_10=11),
    "cast one name": line(cast="Ada Moss"),
    "id a list": line(id=[1]),
    "id true": line(id=True),
    "id half": line(id=1.5),
    "movie true": line(movie=True),
    "movie a list": line(movie=["a"]),
    "language a word": line(language="English"),
    "language a letter": line(language="e"),
    "language empty": line(language=""),
    "language a number": line(language=7),
    "language a private tag": line(language="x-english"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_line_is_named(write, wrong):
    path = write(line(id="a"), line(id="b"), WRONG[wrong])
    with pytest.raises(BadInput) as found:
        read_gold(path)
    assert f"{path}, line 3: " in str(found.value)


@pytest.mark.parametrize("again", ["g1", 2])
def test_an_id_stands_once(write, again):
    path = write(line(id="g1"), line(), line(id=again))
    with pytest.raises(BadInput, match=r"line 3: .* line [12]"):
        read_gold(path)


def test_a_file_without_lines_or_none_at_all(write, tmp_path):
    for path in (write(), write(b"", b" "), tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(BadInput) as found:
            read_gold(path)
        assert str(path) in str(found.value)
