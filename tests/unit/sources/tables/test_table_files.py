"""Whole files: hostile CSV, JSON lines and workbooks, row by row."""

import csv
import gzip
import io
import json
import re
import zipfile
from datetime import date, datetime
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmpulse.errors import BadInput
from filmpulse.items import Review, author_key, content_hash
from filmpulse.sources.tables import limits, workbooks
from filmpulse.sources.tables.mapping import read_map
from filmpulse.sources.tables.readers import read_chunks
from filmpulse.sources.tables.rows import KEYED, numbered, read_rows
from filmpulse.sources.tables.spool import RefusedRow, Spool

FILES = Path(__file__).parents[3] / "fixtures/tables"
MOVIE = "tt99000001"
SECRET = b"a key of the tests"
TODAY = date(2026, 11, 21)


def a_map(more="", **options):
    return read_map(
        f"title: a\nbody: b\n{more}",
        **{"source": "x", "rights": "Ours.", "imdb_id": MOVIE} | options,
    )


def read(content, name="f.csv", mapping=None):
    """Return all rows as {number: cells of a and b}, and what is broken as {number: sentence}."""
    content = content.encode() if isinstance(content, str) else content
    rows, broken = {}, {}
    for chunk in read_chunks(io.BytesIO(content), name, mapping or a_map()):
        for number, a, b in zip(chunk.frame.index, chunk.frame["a"], chunk.frame["b"], strict=True):
            rows[number] = (a, b)
        broken |= {one.number: one.sentence for one in chunk.broken}
    return rows, broken


def reviews(content, mapping, name="f.csv"):
    content = content.encode() if isinstance(content, str) else content
    return [
        row
        for chunk in read_chunks(io.BytesIO(content), name, mapping)
        for row in read_rows(chunk.frame, mapping, secret=SECRET, latest=TODAY)
    ]


def refusal(content, name="f.csv", mapping=None):
    with pytest.raises(BadInput) as caught:
        read(content, name, mapping)
    return str(caught.value)


# CSV


def test_words_that_look_like_nothing_stay_words():
    rows, broken = read("a,b\nNA,None\nnull,nan\n007,1e5\nTrue,-inf\n")
    assert rows == {2: ("NA", "None"), 3: ("null", "nan"), 4: ("007", "1e5"), 5: ("True", "-inf")}
    assert not broken


def test_rows_are_numbered_by_the_line_where_they_begin():
    rows, _ = read('a,b\r\n\r\n"x\r\ny",1\r\n , \r\nlast,"1\n\n2"')
    assert rows == {3: ("x\r\ny", "1"), 6: ("last", "1\n\n2")}


def test_lines_with_other_cells_than_the_header_stop_nothing():
    rows, broken = read("a,b,c\n1,2,3\nshort,2\nlong,2,3,4\n4,5,6\nalone\n")
    assert rows == {2: ("1", "2"), 5: ("4", "5")}
    assert broken == {
        3: "it has 2 cells where the header has 3",
        4: "it has 4 cells where the header has 3",
        6: "it has 1 cells where the header has 3",
    }


def test_quotation_marks_in_the_wrong_place_cost_their_own_row_only():
    rows, broken = read('a,b\n1,5" wide\n"said "so" once",2\n3,"it is ""so"""\n4,4\n')
    assert rows == {2: ("1", '5" wide'), 4: ("3", 'it is "so"'), 5: ("4", "4")}
    assert broken == {3: "a quotation mark stands inside a quoted text"}


def test_an_open_quotation_mark_says_which_lines_it_took():
    content = 'a,b\n1,1\n2,"open\n3,3\n4,"4"\n5,5\n6,"to the end\n7,7\n'
    (chunk,) = read_chunks(io.BytesIO(content.encode()), "f.csv", a_map())
    assert list(chunk.frame.index) == [2, 6]
    assert [one.number for one in chunk.broken] == [3, 7]
    assert "lines 3 to 5 are not read" in chunk.broken[0].sentence
    assert "lines 7 to 8 are not read" in chunk.broken[1].sentence
    assert chunk.broken[0].cells == {"filmpulse_text": '2,"open\n3,3\n4,"4"\n'}


def test_an_open_quotation_mark_does_not_read_a_huge_file_into_memory(monkeypatch, request):
    request.addfinalizer(partial(csv.field_size_limit, csv.field_size_limit()))
    monkeypatch.setattr(limits, "MAX_FIELD_CHARACTERS", 1_000)
    said = refusal('a,b\n1,1\n1,"open\n' + "2,2\n" * 1_000 + "last,1\n")
    assert "line 3 " in said
    assert "1,000 characters" in said


def test_a_table_that_is_read_meanwhile_leaves_the_limit_of_a_cell():
    short, long = b"a,b\n1,1\n" * 2, f"a,b\n1,{'x' * 500_000}\n".encode()
    first = read_chunks(io.BytesIO(long), "f.csv", a_map())
    second = read_chunks(io.BytesIO(short), "g.csv", a_map())
    assert next(second).frame.shape[0] > 0
    assert len(next(first).frame.iloc[0]["b"]) == 500_000
    assert list(second) == []
    third = read_chunks(io.BytesIO(long), "f.csv", a_map())
    assert len(next(third).frame.iloc[0]["b"]) == 500_000


def test_a_row_of_many_long_cells_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_RECORD_CHARACTERS", 1_000)
    cell = '"' + "x\n" * 200 + '"'
    assert len(read(f"a,b\n{cell},{cell}\n")[0]) == 1
    said = refusal(f"a,b\n1,2\n{cell},{cell},{cell}\n")
    assert "line 3 " in said
    assert "1,000 characters" in said


def test_chunks_of_wide_rows_are_small(monkeypatch):
    monkeypatch.setattr(limits, "CHUNK_CELLS", 20)
    content = "a,b,c,d\n" + "1,2,3,4\n" * 12
    chunks = list(read_chunks(io.BytesIO(content.encode()), "f.csv", a_map()))
    assert [len(chunk.frame) for chunk in chunks] == [5, 5, 2]
    lines = "".join(json.dumps({"a": 1, "b": 2, f"c{n}": 3}) + "\n" for n in range(12))
    chunks = list(read_chunks(io.BytesIO(lines.encode()), "f.jsonl", a_map()))
    assert all(chunk.frame.size <= 20 + 2 * len(chunk.frame.columns) for chunk in chunks)
    assert sum(len(chunk.frame) for chunk in chunks) == 12


@pytest.mark.parametrize(
    ("limit", "content", "name", "figure"),
    [
        ("MAX_COLUMNS", "a,b,c,d\n", "f.csv", "4 cells, where 3"),
        ("MAX_COLUMNS", "a,b\n1,2,3,4\n", "f.csv", "line 2 has 4 cells, where 3"),
        ("MAX_COLUMNS", '{"a":1,"b":2}\n{"c":3}\n{"d":4}\n', "f.jsonl", "3 different names"),
        ("MAX_ROWS", "a,b\n" + "\n" * 4, "f.csv", "3 empty rows"),
        ("MAX_BROKEN_ROWS", "a,b\n" + "1\n" * 4, "f.csv", "than 3 rows cannot be taken apart"),
        ("MAX_BROKEN_ROWS", "[1,2,3,4]", "f.json", "than 3 rows cannot be taken apart"),
    ],
)  # fmt: skip
def test_more_than_a_table_has_is_refused(limit, content, name, figure, monkeypatch):
    monkeypatch.setattr(limits, limit, 3)
    assert figure in refusal(content, name)


def test_a_reading_ends_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", -1.0)
    packed = gzip.compress(b"a,b\n1,2\n")
    rows = [["a", "b"], ["1", "2"]]
    for content, name in (
        ("a,b\n1,2\n", "f.csv"), ('{"a":1,"b":2}', "f.json"), (workbook(rows), "f.xlsx"),
        (packed, "f.csv.gz"),
    ):  # fmt: skip
        assert f"{name} takes longer" in refusal(content, name)


def test_a_long_text_is_one_cell():
    rows, _ = read(f'a,b\n1,"{"x" * 200_000}"\n')
    assert len(rows[2][1]) == 200_000


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-16", ""), ("utf-8-sig", ""), ("cp1252", "encoding: windows-1252"),
                           ("utf-16-le", "encoding: utf-16-le"), ("utf-32", "")],
)  # fmt: skip
def test_encodings(encoding, said):
    content = "a,b\r\né„,ü\r\n".encode(encoding)
    assert read(content, mapping=a_map(said)) == ({2: ("é„", "ü")}, {})


@pytest.mark.parametrize("said", ["utf-8", "latin-1", "windows-1252", "utf-16-le", "shift_jis"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_mark_at_the_start_says_the_encoding_whatever_the_map_says(encoding, said):
    content = "\ufeffa,b\né,ü\n".encode(encoding)
    assert read(content, mapping=a_map(f"encoding: {said}")) == ({2: ("é", "ü")}, {})
    with pytest.raises(BadInput, match="begins with the mark of"):
        read(content + b"\xff", mapping=a_map(f"encoding: {said}"))


@pytest.mark.parametrize("label", ["latin-1", "iso-8859-1", "L1", "ascii", "us-ascii"])
def test_labels_that_mean_windows_1252(label):
    content = "a,b,prix €\n“x”,so…-fine,7\n".encode("cp1252").replace(b"-", b"\x81")
    (row,) = reviews(content, a_map(f"encoding: {label}\nreview_id: prix €\n"))
    assert (row.review.review_id, row.review.title, row.review.body) == ("7", "“x”", "so… fine")


def test_another_encoding_is_told_by_the_line():
    content = "a,b\n" + "x,y\n" * 9_000 + "é,1\n"
    assert "not written in utf-8 (somewhere after line" in refusal(content.encode("latin-1"))
    assert "say its `encoding`" in refusal("a,b\né,ü".encode("latin-1"))


@pytest.mark.parametrize(("name", "more", "mark"), [
    ("f.tsv", "", "\t"), ("f.CSV", "delimiter: ';'", ";"), ("f.csv", "delimiter: tab", "\t"),
])  # fmt: skip
def test_delimiters(name, more, mark):
    content = f"a{mark}b\n1,5{mark}2\n"
    assert read(content, name, a_map(more)) == ({2: ("1,5", "2")}, {})


def test_the_header_is_checked():
    assert "is empty" in refusal("")
    assert "is empty" in refusal("\n \n\r\n")
    assert "names a more than once" in refusal("a,b,a\n1,2,3\n")
    said = refusal("a,text,c\n1,2,3\n")
    assert "no column b (body), which the map names. Its columns: a, text, c." in said
    assert 'say `delimiter: ";"`' in refusal("a;b;c\n1;2;3\n")
    assert "its header cannot be read" in refusal('"a,b\n1,2')
    assert read(" a , b \n1,2\n")[0] == {2: ("1", "2")}
    assert read("\n\na,b,\n1,2,\n")[0] == {4: ("1", "2")}  # an empty name is a column's place


@pytest.mark.parametrize("line", ["sep=;\r\n", "SEP=;\n", '"sep=;"\r\n', "\ufeffsep=;\r"])
def test_a_first_line_may_say_the_delimiter(line):
    for said in ("", "delimiter: ','", "delimiter: ';'"):
        assert read(f"{line}a;b\n1,5;2\n", mapping=a_map(said)) == ({3: ("1,5", "2")}, {})
    assert read("sep=\t\na\tb\n1\t2\n")[0] == {3: ("1", "2")}
    assert "cannot divide" in refusal('sep="\na"b\n')
    assert "cannot divide" in refusal("sep=\\\na\\b\n", mapping=a_map("escape: \\"))
    assert "no column a" in refusal("sep=;;\na;b\n")


def test_the_row_of_the_header_may_be_named():
    above = 'Survey "of spring"\n,,,\n'
    assert read(f"{above}a,b\n1,2\n", mapping=a_map("header_row: 3"))[0] == {4: ("1", "2")}
    assert read('"open\na,b\n1,"2\n3"\n', mapping=a_map("header_row: 2"))[0] == {3: ("1", "2\n3")}
    assert "row 2, the `header_row`" in refusal("x\n\na,b\n1,2\n", mapping=a_map("header_row: 2"))
    assert "no column a" in refusal(f"{above}a,b\n1,2\n", mapping=a_map("header_row: 4"))
    assert "is empty" in refusal("a,b\n1,2\n", mapping=a_map("header_row: 9"))
    assert read("\na,b\n1,2\n", mapping=a_map("header_row: 1"))[0] == {3: ("1", "2")}
    content = workbook([["Survey", None, None], [], ["a", "b"], ["1", "2"]])
    assert read(content, "f.xlsx", a_map("header_row: 3"))[0] == {4: ("1", "2")}
    assert "`header_row`" in refusal(content, "f.xlsx", a_map("header_row: 2"))


def test_escaped_marks():
    content = 'a,b\n"She said \\"no\\".",c\\,d\n"it is ""so""",\\\\\n'
    rows, broken = read(content, mapping=a_map("escape: \\"))
    assert rows == {2: ('She said "no".', "c,d"), 3: ('it is "so"', "\\")}
    assert not broken


def test_a_name_that_stands_twice_in_the_header_matters_only_where_the_map_names_it():
    content = "a,x,b,x,,x (4)\n1,2,3,4,5,6\n"
    (chunk,) = read_chunks(io.BytesIO(content.encode()), "f.csv", a_map())
    assert chunk.frame.to_dict("records") == [
        {"a": "1", "x": "2", "b": "3", "x (4)": "4", "column 5": "5", "x (4) (6)": "6"}
    ]
    assert "names x more than once" in refusal(content, mapping=a_map("review_id: x"))
    (chunk,) = read_chunks(io.BytesIO(b",column 1,a\n1,2,3\n"), "f.csv", a_map().model_copy(
        update={"body": a_map("review_id: column 1").review_id}))  # fmt: skip
    assert list(chunk.frame["column 1"]) == ["2"]


@pytest.mark.parametrize("name", ["f.csv.gz", "f.CSV.GZ"])
def test_a_packed_file(name):
    packed = gzip.compress(b"a,b\n1,2\n")
    assert read(packed, name) == ({2: ("1", "2")}, {})
    assert read(packed + gzip.compress(b"3,4\n"), name)[0] == {2: ("1", "2"), 3: ("3", "4")}
    for broken in (b"a,b\n1,2\n", b"", packed[:-9], packed[:15] + b"\xff" * 20):
        assert refusal(broken, name)
    assert "packed with gzip" in refusal(gzip.compress(packed), name)
    assert "packed with gzip" in refusal(packed, "f.csv")
    assert read(gzip.compress(workbook([["a", "b"], [1, 2]])), "f.xlsx.gz")[0] == {2: ("1", "2")}
    assert "only .csv" in refusal(packed, "f.gz")


def test_a_packed_file_that_is_huge_unpacked_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 5_000_000)
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 3_000_000)
    assert len(packed) < 50_000
    assert "larger than 5 MB unpacked" in refusal(packed, "f.csv.gz")


def test_files_of_another_kind_are_refused():
    assert "only .csv, .tsv, .jsonl, .ndjson, .xlsx" in refusal("x", "f.xls")
    assert "is a ZIP or a workbook" in refusal(b"PK\x03\x04....", "f.csv")
    assert "cannot be read as an Excel workbook" in refusal("a,b\n1,2", "f.xlsx")
    assert "longer than" in refusal("a,b\n" + "x" * 5_000_000)


def test_an_empty_table_has_no_row():
    assert read("a,b\n") == ({}, {})
    assert read("a,b") == ({}, {})


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@settings(max_examples=60)
@given(table=st.lists(st.tuples(CELL, CELL), max_size=8), mark=st.sampled_from(",;|\t"))
def test_what_a_program_writes_is_read_back(table, mark):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *table])
    word = "tab" if mark == "\t" else mark
    rows, broken = read(out.getvalue(), mapping=a_map(f"delimiter: '{word}'"))
    assert list(rows.values()) == [row for row in table if row[0].strip() or row[1].strip()]
    assert not broken
    as_json = "".join(json.dumps(dict(zip("ab", row, strict=True))) + "\n" for row in table)
    if table:
        assert list(read(as_json, "f.jsonl")[0].values()) == table


@settings(max_examples=100)
@given(st.text('ab,"\n\r\0 1', max_size=60), st.sampled_from(["f.csv", "f.jsonl"]))
def test_noise_is_read_or_refused_and_never_breaks(noise, name):
    start = "a,b\n" if name == "f.csv" else '{"a":1,"b":2}\n'
    rows, broken = read(start + noise, name)
    assert not set(rows) & set(broken)


# JSON lines


def test_json_lines():
    rows, broken = read(
        '\ufeff{"a":"NA","b":1.0}\r\n\n{"b":12345678901234567890123456789,"a":null}\n'
        '{"a":true,"b":"\\ud800x\\u2028y"}\n{"a":"no body"}\n',
        "f.jsonl",
    )
    assert rows == {
        1: ("NA", "1.0"), 3: ("", "12345678901234567890123456789"), 4: ("true", "\ud800x\u2028y"),
        5: ("no body", ""),
    }  # fmt: skip
    assert not broken


def test_broken_json_lines_stop_nothing():
    deep = "[" * 100_000
    rows, broken = read(
        '{"a":1,"b":2}\n{"a":1,\nnull\n[1]\n"x"\n' + deep + '\n{"a":1,"b":"' + "9" * 5_000 + '"}\n',
        "f.ndjson",
    )
    assert set(rows) == {1, 7}
    assert set(broken) == {2, 3, 4, 5, 6}
    assert broken[2].startswith("it is no JSON (")
    assert broken[3] == "it is no JSON object"


def test_cells_that_are_no_values_are_refused_where_they_are_used():
    content = '{"a":["x"],"b":"text"}\n{"a":"t","b":{"x":1}}\n{"a":"t","b":"u","c":[1]}\n'
    rows = reviews(content, a_map(), "f.jsonl")
    assert [[p.sentence for p in row.problems] for row in rows] == [
        [], ["a cell holds an object"], [],
    ]  # fmt: skip
    assert [row.unread for row in rows] == [{"title": "a cell holds a list"}, {}, {}]
    (row,) = reviews(
        '{"a":"","b":"text","r":NaN}\n', a_map("rating: {column: r, scale: 5}"), "f.jsonl"
    )
    assert row.unread == {"rating": "NaN is no value"}


def test_an_array_and_a_missing_key_are_told():
    for content in ('[{"a":1,"b":2}]', '[\n{"a":1,"b":2}\n]'):
        assert "one JSON array" in refusal(content, "f.jsonl")
    assert "no column b (body)" in refusal('{"a":1}\n{"a":2,"c":3}\n', "f.jsonl")


JSON_ROW = st.fixed_dictionaries({"a": st.text(max_size=8), "b": st.text(max_size=8)})


@settings(max_examples=100)
@given(
    rows=st.lists(JSON_ROW, max_size=6), indent=st.sampled_from([None, 0, 3]),
    block=st.integers(1, 40), is_packed=st.booleans(),
)  # fmt: skip
def test_a_json_array_of_any_form_is_read_element_by_element(rows, indent, block, is_packed):
    content = f" \n{json.dumps(rows, indent=indent)}\n".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "BLOCK", block)
        found, broken = read(content, "f.json")
    assert found == {n: (row["a"], row["b"]) for n, row in enumerate(rows, start=1)}
    assert not broken


def test_elements_that_are_no_objects_stop_nothing():
    rows, broken = read('[{"a":1,"b":2}, 12, "x", null, [{"a":1}], {"a":3,"b":4.0}]', "f.json")
    assert rows == {1: ("1", "2"), 6: ("3", "4.0")}
    assert broken == dict.fromkeys(range(2, 6), "it is no JSON object")


def test_a_json_file_of_lines():
    assert read('{"a":1,"b":2}\n\nx\n{"a":3,"b":4}', "f.json")[0] == {1: ("1", "2"), 4: ("3", "4")}
    assert read("[]", "f.json") == read(" \n", "f.json") == ({}, {})


@pytest.mark.parametrize(
    ("content", "element"),
    [('[{"a":1,"b":2}', 1), ('[{"a":1,"b":2},', 2), ('[{"a":1,"b":2},{"a":', 2), ("[", 0),
     ('[{"a":1,"b":2} {"a":1,"b":2}]', 1), ('[{"a":1,"b":2},]', 2), ('[{"a":1,"b":2},{x}]', 2)],
)  # fmt: skip
def test_a_json_array_that_is_broken_is_refused(content, element):
    assert f"element {element} of its JSON array is broken" in refusal(content, "f.json")


def test_a_json_array_is_refused_where_more_follows_or_an_element_is_huge(monkeypatch):
    assert "more than one JSON array" in refusal('[{"a":1,"b":2}] [{"a":1,"b":2}]', "f.json")
    monkeypatch.setattr(limits, "MAX_RECORD_CHARACTERS", 1_000)
    monkeypatch.setattr(limits, "BLOCK", 100)
    huge = json.dumps([{"a": "x", "b": "y" * 5_000}])
    assert "longer than 1,000" in refusal(huge, "f.json")
    assert "element 1" in refusal("[" * 100_000, "f.json")


# Workbooks


def workbook(rows, *, sheets=("Sheet",), formats=None):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet_name in sheets:
        sheet = book.create_sheet(sheet_name)
        for row in rows:
            sheet.append(row)
        for cell, number_format in (formats or {}).items():
            sheet[cell].number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_cells_of_a_workbook():
    rows, broken = read(
        workbook(
            [
                [" a ", "b"], ["NA", 7.0], [3.5, 12345678], [True, None], [None, None],
                [date(2024, 5, 1), datetime(2024, 5, 1, 23, 30)],  # noqa: DTZ001
                [1e-07, -2], [0.87, "x", None],
            ],
            formats={"A8": "0.0%"},
        ),
        "f.xlsx",
    )  # fmt: skip
    assert rows == {
        2: ("NA", "7"), 3: ("3.5", "12345678"), 4: ("true", ""),
        6: (datetime(2024, 5, 1), datetime(2024, 5, 1, 23, 30)),  # noqa: DTZ001
        7: ("0.0000001", "-2"), 8: ("87%", "x"),
    }  # fmt: skip
    assert not broken


def test_a_wide_or_narrow_row_of_a_workbook():
    rows, broken = read(workbook([["a", "b", None], ["1"], ["1", "2", ""], [1, 2, "3"]]), "f.xlsx")
    assert rows == {2: ("1", ""), 3: ("1", "2")}
    assert broken == {4: "it has 3 cells where the header has 2"}


def cached(content, cells):
    """Write values of formulas into a workbook, as a spreadsheet does: {cell: (type, value)}."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name).decode()
            for cell, (kind, value) in cells.items() if "worksheets/sheet" in name else ():
                start = data.index(f'<c r="{cell}"')
                end = data.index("</c>", start)
                formula = data[data.index("<f>", start) : data.index("</f>", start) + 4]
                data = f'{data[:start]}<c r="{cell}" t="{kind}">{formula}<v>{value}</v>{data[end:]}'
            new.writestr(name, data)
    return out.getvalue()


def test_a_formula_counts_by_its_value_or_is_told():
    content = workbook(
        [["b", "a"], ["=1+1", "x"], ['="t"', "x"], ["=NA()", "x"], ["=A1", "x"], ["c", "=A1"]]
    )
    content = cached(content, {"A2": ("n", "2"), "A3": ("str", "t"), "A4": ("e", "#N/A")})
    rows = reviews(content, a_map(), "f.xlsx")
    uncalculated = "a formula was never calculated: open the file, and save it again"
    assert [(r.number, r.review.body if r.review else r.problems[0].sentence) for r in rows] == [
        (2, "2"),
        (3, "t"),
        (4, "a cell holds the error #N/A"),
        (5, uncalculated),
        (6, "c"),
    ]
    assert [row.unread for row in rows] == [{}, {}, {}, {}, {"title": uncalculated}]


def test_a_number_that_the_spreadsheet_rounded_is_no_id():
    mapping = a_map("review_id: id")
    content = workbook(
        [["a", "b", "id"], ["x", "y", 1.2345678901234567e16], ["x", "y", 123456789012345]]
    )
    long, short = reviews(content, mapping, "f.xlsx")
    assert "more than 15 digits" in long.problems[0].sentence
    assert short.review.review_id == "123456789012345"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a_x000D_\nb", "a\r\nb"), ("_x0009_", "\t"), ("_xD83D__xDE00_", "\U0001f600"),
        ("_xd83d__xde00_", "\U0001f600"), ("_x005F_x000D_", "_x000D_"), ("_x005F_", "_"),
        ("_x005F_x005F_", "_x005F_"), ("x005F_", "x005F_"), ("_x000D", "_x000D"),
        ("_xZZZZ_", "_xZZZZ_"),
        ("_x0041__x0042_", "AB"), ("_x000D_x000A_", "\rx000A_"), ("_xD83D_", "\ud83d"),
    ],
)  # fmt: skip
def test_escapes_of_a_workbook(written, text):
    assert read(workbook([["a", "b"], [written, "y"]]), "f.xlsx")[0] == {2: (text, "y")}
    out = io.BytesIO()  # other programs keep texts apart from the cells
    with zipfile.ZipFile(FILES / "escapes.xlsx") as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name).decode().replace(">Fine film<", f">{written}<")
            new.writestr(name, data.replace(">headline<", ">a<").replace(">text<", ">b<"))
    assert read(out.getvalue(), "f.xlsx")[0][2][0] == text


def test_headers_of_a_workbook_have_escapes_too():
    content = workbook([["_x0061_", "b_x000D_"], ["x", "y"]])
    assert read(content, "f.xlsx")[0] == {2: ("x", "y")}


def strict(content):
    """Write a workbook anew in the namespaces of Strict Open XML, with a day as it has them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = re.sub(
                rb"http://schemas\.openxmlformats\.org/(?!package)(\w+)/2006/",
                rb"http://purl.oclc.org/ooxml/\1/", old.read(name),
            )  # fmt: skip
            day = b't="d"><v>2024-05-01T00:00:00</v></c>'
            new.writestr(name, re.sub(rb't="n"><v>45413</v></c>', day, data))
    return out.getvalue()


def test_a_workbook_in_strict_open_xml_is_read_as_any_other():
    link = 'see ="http://purl.oclc.org/ooxml/spreadsheetml/main"'
    rows = [["a", "b"], [1.5, "NA"], [date(2024, 5, 1), "x"], ["=1+1", link]]
    content = workbook(rows, sheets=("Cover", "Answers"), formats={"A3": "yyyy-mm-dd"})
    content = cached(content, {"A4": ("n", "2")})
    found = strict(content)
    assert b"purl.oclc.org" in zipfile.ZipFile(io.BytesIO(found)).read("xl/workbook.xml")
    mapping = a_map("sheet: Answers")
    (rows_found, broken) = read(found, "f.xlsx", mapping)
    assert (rows_found, broken) == read(content, "f.xlsx", mapping)
    assert rows_found[4] == ("2", link)


def test_the_sheet_is_chosen_by_name():
    content = workbook([["a", "b"], ["x", "y"]], sheets=("Cover", "Answers 1"))
    assert read(content, "f.xlsx", a_map("sheet: Answers 1"))[0] == {2: ("x", "y")}
    assert "its sheets: Cover, Answers 1." in refusal(content, "f.xlsx", a_map("sheet: Answers"))


def test_a_workbook_that_says_a_wrong_size_is_read_whole():
    content = workbook([["a", "b"], ["x", "y"], ["z", "w"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'ref="A1:B3"', b'ref="A1:A1"'))
    assert read(out.getvalue(), "f.xlsx")[0] == {2: ("x", "y"), 3: ("z", "w")}


def test_no_workbook_and_an_empty_one():
    assert "is empty" in refusal(workbook([]), "f.xlsx")
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x.txt", "x")
    good = workbook([["a", "b"], ["x", "y"]])
    for content in (other.getvalue(), good[: len(good) // 2], good[:-30] + b"\0" * 30):
        assert "cannot be read as an Excel workbook" in refusal(content, "f.xlsx")


def test_a_workbook_too_large_to_unpack_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 1_000)
    assert "too large" in refusal(workbook([["a", "b"], ["x", "y"]]), "f.xlsx")


def test_the_list_of_parts_is_read_in_both_forms_of_a_zip_and_has_a_limit(monkeypatch):
    content = workbook([["a", "b"], ["x", "y"]])
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)  # so that it writes a ZIP64
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert b"PK\x06\x06" in out.getvalue()
    monkeypatch.setattr(workbooks, "MAX_DIRECTORY_BYTES", 2_000)
    for form in (content, out.getvalue()):
        assert read(form, "f.xlsx")[0] == {2: ("x", "y")}
    monkeypatch.setattr(workbooks, "MAX_DIRECTORY_BYTES", 200)
    for form in (content, out.getvalue()):
        assert "the list of its parts" in refusal(form, "f.xlsx")


# Rows


def test_a_row_becomes_a_review():
    mapping = a_map(
        "review_id: id\nrating: {column: r, scale: 5}\nauthor: who\nhelpful_up: up\n"
        "submitted_on: {column: d, format: day-first}\nis_spoiler: {column: s, words: [ja]}\n"
        "helpful_down: down\n"
    )
    (row,) = reviews(
        "a,b,id,r,d,s,who,up,down,unmapped\n"
        '  Fine ,"One.\n\n\n\nTwo  <b>&amp;",17,"3,5",1.5.2024,JA, Ada L. ,3,0,secret\n',
        mapping,
    )
    assert row.review == Review(
        source="x", review_id="17", imdb_id=MOVIE, author_key=author_key("x", "Ada L.", SECRET),
        title="Fine", body="One.\n\nTwo <b>&amp;", rating_1_10=7, submitted_on=date(2024, 5, 1),
        date_source="file", is_spoiler=True, helpful_up=3, helpful_down=0,
    )  # fmt: skip
    assert "Ada" not in row.review.model_dump_json()
    assert row.cells["unmapped"] == "secret"


def test_html_is_read_only_where_the_map_says_so():
    content = "a,b\n<i>x</i> &amp; y,One.<br/>Two &lt;b&gt;\n"
    plain, html = (
        reviews(content, a_map() if kind == "plain" else read_map(
            "title: {column: a, html: true}\nbody: {column: b, html: true}",
            source="x", rights="Ours.", imdb_id=MOVIE))[0].review
        for kind in ("plain", "html")
    )  # fmt: skip
    assert (plain.title, plain.body) == ("<i>x</i> &amp; y", "One.<br/>Two &lt;b&gt;")
    assert (html.title, html.body) == ("x & y", "One.\nTwo <b>")


def test_a_row_is_refused_with_every_reason():
    mapping = a_map("rating: {column: r, scale: 5}\nsubmitted_on: d\nreview_id: id\n")
    (row,) = reviews("a,b,r,d,id\nx,y,9,2999-01-01,ü\n", mapping)
    assert row.review is None
    assert [problem.kind for problem in row.problems] == ["id", "rating", "future date"]
    assert not row.unread


def test_what_is_optional_and_cannot_be_read_is_left_empty():
    mapping = a_map(
        "rating: {column: r, scale: 5}\nsubmitted_on: d\nis_spoiler: s\nhelpful_up: up\n"
        "helpful_down: {column: down, none: [unknown]}\nreview_id: id\n"
    )
    content = "a,b,r,d,s,up,down,id\nx,y,9,2999-01-01,maybe,1.5,unknown,1\n"
    (row,) = reviews(content, mapping)
    assert row.review == Review(source="x", review_id="1", imdb_id=MOVIE, title="x", body="y")
    assert set(row.unread) == {"rating", "submitted_on", "is_spoiler", "helpful_up"}
    assert not row.problems
    (row,) = reviews(content.replace("x,y", "x,"), mapping)
    assert [problem.kind for problem in row.problems] == [
        "empty", "rating", "future date", "spoiler mark", "votes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "body", "kind"),
    [("", "", "empty"), (" ", "\u3000", "empty"), ("", "x" * 100_001, "too long"),
     ("t", "", "empty"), ("", "x" * 100_000, None)],
)  # fmt: skip
def test_a_text_must_be_there_and_have_an_end(title, body, kind):
    (row,) = reviews(json.dumps({"a": title, "b": body}), a_map(), "f.jsonl")
    assert [problem.kind for problem in row.problems] == [kind] * (kind is not None)


def test_a_text_that_is_empty_once_its_tags_are_gone_is_empty():
    mapping = read_map("body: {column: b, html: true}", source="x", rights="Ours.", imdb_id=MOVIE)
    (row,) = reviews("b\n<p> </p>\n", mapping)
    assert row.problems[0].kind == "empty"


def test_a_made_id_follows_from_movie_author_day_and_words():
    mapping = a_map("submitted_on: d\nauthor: w\nrating: {column: r, scale: 5}\n")
    head = "a,b,d,w,r\n"

    def made(line):
        return reviews(head + line, mapping)[0].review.review_id

    one = made("Fine,All good.,2024-05-01,ada,5\n")
    assert one == made(
        " Fine ,All  good.,2024-05-01T10:00:00,ada,1\n"
    )  # spaces and stars count not
    others = [
        made("Fine,All good!,2024-05-01,ada,5\n"), made("fine,All good.,2024-05-01,ada,5\n"),
        made("Fine,All good.,2024-05-02,ada,5\n"), made("Fine,All good.,,ada,5\n"),
        made("Fine,All good.,2024-05-01,bob,5\n"), made("Fine,All good.,2024-05-01,,5\n"),
    ]  # fmt: skip
    assert len({one, *others}) == 7
    # With another key of the hash it is another, so it cannot be used to try out names.
    content = io.BytesIO((head + "Fine,All good.,2024-05-01,ada,5\n").encode())
    (chunk,) = read_chunks(content, "f.csv", mapping)
    (elsewhere,) = read_rows(chunk.frame, mapping, secret=b"another", latest=TODAY)
    assert elsewhere.review.review_id != one


def test_an_author_who_was_hashed_already_stays_the_same():
    key = author_key("x", "ada", SECRET)
    first, again = reviews(f"a,b,w\n1,1,ada\n2,2,{KEYED}{key}\n", a_map("author: w"))
    assert first.review.author_key == again.review.author_key == key


def test_chunks_are_small_and_lose_nothing():
    content = "a,b\n" + "".join(f"{n},x\n" for n in range(2 * limits.CHUNK_ROWS + 5))
    chunks = list(read_chunks(io.BytesIO(content.encode()), "f.csv", a_map()))
    assert [len(chunk.frame) for chunk in chunks] == [limits.CHUNK_ROWS, limits.CHUNK_ROWS, 5]
    assert [n for chunk in chunks for n in chunk.frame["a"]] == [str(n) for n in range(2005)]


# What waits until the end of the file


def a_review(number, **changes):
    return Review(
        **{
            "source": "x",
            "review_id": f"r{number}",
            "imdb_id": MOVIE,
            "title": "",
            "body": f"{number}",
        }
        | changes
    )


def test_the_spool_keeps_one_review_an_id():
    with Spool() as spool:
        assert spool.add(2, a_review(1)) is None
        assert spool.add(3, a_review(1)) is None  # the same again
        assert spool.add(4, a_review(1, body="other")) == 2
        assert spool.add(5, a_review(1, imdb_id="tt99000002")) == 2
        assert spool.count() == 1


def test_the_spool_sorts_by_movie_and_keeps_the_order_of_the_file():
    with Spool() as spool:
        for number in range(20):
            spool.add(number, a_review(number, imdb_id=f"tt9900000{number % 3}"))
        found = {imdb_id: [r.body for r in group] for imdb_id, group in spool.movies()}
        assert found == {
            f"tt9900000{m}": [str(n) for n in range(20) if n % 3 == m] for m in range(3)
        }
        assert [r.body for r in spool.first(3)] == ["0", "1", "2"]
        assert spool.imdb_ids() == sorted(found)


def test_the_spool_keeps_what_cannot_be_encoded():
    with Spool() as spool:
        row = RefusedRow(7, "why", {"a": "\ud800\0"}, is_split=True)
        spool.refuse(row)
        assert list(spool.refused()) == [row]


def test_a_review_is_the_same_by_file_and_by_page():
    (row,) = reviews("a,b\nTitle,Body\n", a_map())
    assert row.review.content_hash == content_hash("Title", "Body")


# Ids that are made of what a row says


def test_ids_that_were_made_before_stay_as_they_are():
    mapping = a_map("submitted_on: d\nauthor: w\n")
    rows = reviews("a,b,d,w\nFine,All good.,2024-05-01,ada\n,café a\x92s \x85b,,\n", mapping)
    assert [(row.review.review_id, row.review.body) for row in rows] == [
        ("row-c30fbfa8d08e7d5662866c1af7477987", "All good."),
        ("row-209a40472b5708d221d81d8d3abc93d8", "café a\u2019s …b"),  # read as "café as b" before
    ]


def test_equal_rows_get_ids_by_their_place_among_them():
    (row,) = reviews("a,b\nFine,All good.\n", a_map())
    ids = [numbered(row.review, n).review_id for n in range(1, 6)]
    assert ids[0] == row.review.review_id
    assert len(set(ids)) == 5
    assert ids == [numbered(row.review, n).review_id for n in range(1, 6)]
    with Spool() as spool:
        assert [spool.nth(name) for name in "abaacb"] == [1, 1, 2, 3, 1, 2]
