"""Saved files: kinds, hostile content, exit codes."""

import io
import json
import re
from pathlib import Path

import pytest

from filmpulse.errors import BadInput, ForeignPage
from filmpulse.sources.imdb.files import read_file, run_parse

FIXTURES = Path(__file__).parents[3] / "fixtures" / "pages"
SECRET = b"fixture-secret"
GOOD = FIXTURES / "imdb.ReviewsPage" / "one_unrated" / "input.html"
GATED = FIXTURES / "imdb.ReviewsPage" / "gated_5_of_5081" / "input.html"
CLOSED = FIXTURES / "imdb.ReviewsPage" / "dom_unopened" / "input.html"
CARDS = FIXTURES / "imdb.ReviewsPage" / "cards_fragment" / "input.html"
TITLE = FIXTURES / "imdb.TitlePage" / "next_2025" / "input.html"
LINKED = FIXTURES / "imdb.TitlePage" / "linked_data_only" / "input.html"

REVIEW_KEYS = [
    "review_id", "imdb_id", "author_key", "title", "body", "rating_1_10", "submitted_on",
    "date_source", "is_spoiler", "helpful_up", "helpful_down",
]  # fmt: skip
MOVIE_KEYS = [
    "imdb_id", "title", "original_title", "year", "release_date", "runtime_minutes", "genres",
    "directors", "cast", "rating", "vote_count", "review_count", "plot", "poster_url",
]  # fmt: skip


def parse(*paths: Path, kind: str = "auto", imdb_id: str | None = None) -> tuple[int, list, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run_parse(list(paths), kind, imdb_id, SECRET, out, err)
    return code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def write(folder: Path, content: bytes | str, name: str = "saved.html") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def graphql_file(folder: Path) -> Path:
    node = {
        "id": "rw1",
        "text": {"originalText": {"plaidHtml": "Text."}},
        "summary": {"originalText": "Head"},
        "submissionDate": "2026-03-14",
    }
    reviews = {"total": 1, "edges": [{"node": node}], "pageInfo": {"hasNextPage": False}}
    return write(folder, json.dumps({"data": {"title": {"reviews": reviews}}}), "answer.json")


def test_keys_of_a_review_and_of_a_movie() -> None:
    code, rows, err = parse(GOOD, TITLE)
    assert (code, err) == (0, "")
    assert set(rows[0]) == set(REVIEW_KEYS)
    assert list(rows[-1]) == MOVIE_KEYS
    assert [r["review_id"] for r in rows[:-1]] == ["rw9000001", "rw9000002", "rw9000003"]
    assert rows[-1]["review_count"] == 618


@pytest.mark.parametrize(
    ("path", "kind"),
    [(GOOD, "reviews"), (CARDS, "reviews"), (TITLE, "title"), (LINKED, "title")],
)
def test_kind_is_found_out(path: Path, kind: str) -> None:
    assert read_file(path, author_secret=SECRET).kind == kind


def test_kind_of_answers_is_found_out(tmp_path: Path) -> None:
    suggestion = write(
        tmp_path,
        '{"d":[{"id":"tt7000001","l":"Lamp","y":2025,"s":"A, B","i":{"imageUrl":"u"}}],"v":1}',
    )
    parsed = read_file(suggestion, author_secret=SECRET)
    assert parsed.kind == "suggestion"
    assert parsed.records == [
        dict.fromkeys(MOVIE_KEYS)
        | {
            "imdb_id": "tt7000001", "title": "Lamp", "year": 2025, "genres": [], "directors": [],
            "cast": ["A", "B"], "poster_url": "u",
        }
    ]  # fmt: skip
    answer = read_file(graphql_file(tmp_path), imdb_id="tt7000001", author_secret=SECRET)
    assert (answer.kind, len(answer.records)) == ("graphql", 1)


def test_answer_that_does_not_say_its_movie_asks_for_it(tmp_path: Path) -> None:
    code, rows, err = parse(graphql_file(tmp_path))
    assert (code, rows) == (5, [])
    assert "give its id" in err


def test_file_about_another_movie_is_refused() -> None:
    with pytest.raises(BadInput, match="tt7000001, not tt7000009"):
        read_file(GOOD, imdb_id="tt7000009", author_secret=SECRET)


def test_closed_spoilers_are_left_out_and_said(tmp_path: Path) -> None:
    code, rows, err = parse(CLOSED)
    assert (code, len(rows)) == (0, 2)
    assert "1 reviews left out: spoilers" in err


def test_reviews_without_a_day_are_printed_and_counted(tmp_path: Path) -> None:
    opened = FIXTURES / "imdb.ReviewsPage" / "dom_opened" / "input.html"
    undated = opened.read_text("utf-8").replace("Mar 1", "5 Fimbulwinter ")
    code, rows, err = parse(write(tmp_path, undated))
    assert (code, [row["submitted_on"] for row in rows]) == (0, [None] * 3)
    assert "3 reviews without a day" in err


def test_gated_file_prints_what_it_shows() -> None:
    code, rows, err = parse(GATED)
    assert (code, len(rows)) == (6, 5)
    assert "5 of 5,081" in err


def test_highest_code_wins_and_all_files_are_tried(tmp_path: Path) -> None:
    drifted = re.sub("reviewText|plaidHtml|<article", "gone", GOOD.read_text("utf-8"))
    drift = write(tmp_path, drifted, "d.html")
    block = write(tmp_path, "<html><title>403 Forbidden</title></html>", "b.html")
    other = write(tmp_path, "<html>soup</html>", "o.html")
    assert parse(drift)[0] == 3
    assert parse(block)[0] == 4
    assert parse(other)[0] == 5
    code, rows, err = parse(other, drift, GATED, block, GOOD)
    assert code == 6
    assert len(rows) == 8
    assert [line.split(":")[0] for line in err.splitlines()] == [
        str(other), str(drift), str(GATED), str(block),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\0",
        b"\x89PNG\r\n\x1a\n\xff\xfe",
        b"plain words",
        b"[1, 2, 3]",
        b'{"data": ',
        b'{"price": 3}',
        "<html><body>Crème brûlée</body></html>".encode("latin-1"),
        b"From: <Saved by Blink>\r\nContent-Type: multipart/related;\r\n\r\n<html>",
    ],
)
def test_what_is_not_imdbs_ends_with_five(tmp_path: Path, content: bytes) -> None:
    code, rows, err = parse(write(tmp_path, content))
    assert (code, rows) == (5, [])
    assert err.startswith(str(tmp_path))


def test_missing_file_and_folder_end_with_five(tmp_path: Path) -> None:
    assert parse(tmp_path / "none.html")[0] == 5
    assert parse(tmp_path)[0] == 5


def test_cut_off_file_ends_with_five(tmp_path: Path) -> None:
    half = GOOD.read_text("utf-8")[:-700]
    assert "</script>" not in half
    assert parse(write(tmp_path, half))[0] == 5


def test_too_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.html"
    with path.open("wb") as file:
        file.truncate(64_000_001)
    with pytest.raises(ForeignPage, match="64 MB"):
        read_file(path, author_secret=SECRET)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_read(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, GOOD.read_text("utf-8").encode(encoding))
    assert (
        read_file(path, author_secret=SECRET).records
        == read_file(GOOD, author_secret=SECRET).records
    )


def test_stray_nul_bytes_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path, CARDS.read_text("utf-8").replace("Seat", "Se\0at"))
    assert (
        read_file(path, author_secret=SECRET).records
        == read_file(CARDS, author_secret=SECRET).records
    )


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(BadInput):
        parse(GOOD, kind="poem")
