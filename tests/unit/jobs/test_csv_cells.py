"""CSV files for spreadsheets: no cell runs as a formula, numbers stay numbers, texts stay texts."""

import csv
import re
import sys
import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filmpulse.jobs.upkeep.write_tables import harmless, write_csv
from filmpulse.warehouse.extracts import EXTRACTS

FORMULA_SIGNS = "=+-@"
LOOK_ALIKE = [
    chr(n)
    for n in range(0x80, sys.maxunicode)
    if unicodedata.normalize("NFKC", chr(n)) in set(FORMULA_SIGNS) and chr(n).isprintable()
]
UNSEEN = '" \xa0\u200b\ufeff\x07\u2028\u3000'
HOSTILE = st.text(
    st.sampled_from([*FORMULA_SIGNS, *LOOK_ALIKE, *UNSEEN, *";,\t\r\n'ab1é👩|"]), max_size=12
)


def cells(line):
    """Split as a spreadsheet may that does not heed quotation marks and knows many separators."""
    return re.split(r"[;\t\r\n]", line)


def is_unseen(character):
    return character == '"' or unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def runs(cell):
    """Say whether a spreadsheet could take a cell for a formula."""
    while cell and is_unseen(cell[0]):
        cell = cell[1:]
    first = unicodedata.normalize("NFKC", cell[:1])
    return bool(first) and first in FORMULA_SIGNS + "\N{MINUS SIGN}"


@given(HOSTILE | st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])))
@example("=cmd|' /C calc'!A0")
@example("@SUM(1+1)*cmd|' /C calc'!A0")
@example("\t=1+1")
@example("\r\n=1+1")
@example(' "＝1+1')  # noqa: RUF001
@example('fine;=HYPERLINK("https://example.com","Click")')
@example("A list:\n- one\n\n- two")
def test_no_cell_runs_as_a_formula(text):
    made = harmless(text)
    assert not any(map(runs, cells(made)))
    assert made[:1] not in ("\t", "\r", "\n")
    assert harmless(made) == made
    left = iter(made)  # only apostrophes were added
    assert all(any(c == wanted for c in left) for wanted in text)
    assert made.replace("'", "") == text.replace("'", "")


@given(st.text(st.sampled_from("abc é👩.,!?'()1\n"), max_size=30).map(str.strip))
@example("Nothing to fear: 3-2=1, a+b, me@home")
@example("A line\n\nand another")
@example("")
def test_other_texts_stay_as_they_are(text):
    assert harmless(text) is text or harmless(text) == text


def test_all_look_alikes_of_a_formula_sign_are_known():
    assert len(LOOK_ALIKE) >= 12
    assert [sign for sign in LOOK_ALIKE if harmless(f"{sign}1") == f"{sign}1"] == []


def written(tmp_path, rows, columns="abcd"):
    path = tmp_path / "table.csv"
    count = write_csv(path, [rows[:1], rows[1:]], dict.fromkeys(columns), {})
    assert count == len(rows)
    return path


def test_numbers_days_and_flags_are_no_texts(tmp_path):
    at = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    rows = [(-2, -0.5, None, True), (date(2026, 3, 2), at, "", False)]
    content = written(tmp_path, rows).read_bytes()
    assert content == (
        b"\xef\xbb\xbfa,b,c,d\r\n-2,-0.5,,true\r\n2026-03-02,2026-03-02T10:30:00Z,,false\r\n"
    )


@given(rows=st.lists(st.tuples(HOSTILE, HOSTILE), max_size=4))
def test_a_csv_reader_finds_the_same_rows(tmp_path_factory, rows):
    path = written(tmp_path_factory.mktemp("csv"), rows, "ab")
    with path.open(encoding="utf-8-sig", newline="") as file:
        _, *found = csv.reader(file)
    assert found == [[harmless(value) for value in row] for row in rows]


@pytest.mark.parametrize("extract", EXTRACTS.values(), ids=lambda e: e.name)
def test_every_quantity_has_a_unit(extract):
    columns = extract.columns(with_text=True)
    assert {
        name for name, column in columns.items()
        if column.type not in ("string", "category", "bool") and column.unit is None
    } == set()  # fmt: skip
    words = {name for name, column in columns.items() if column.is_words}
    assert extract.columns(with_text=False).keys() == columns.keys() - words
    assert words == {
        "reviews": {"title", "body", "overall_quote"}, "aspects": {"quote", "quote_start"},
    }.get(extract.name, set())  # fmt: skip
    assert not {name for name in columns if "author" in name}
