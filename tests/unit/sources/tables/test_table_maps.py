"""Maps: what can be said in one, and how each mistake is named."""

import re
from pathlib import Path

import pytest

from filmpulse.errors import BadInput
from filmpulse.sources.tables import mapping as module
from filmpulse.sources.tables.mapping import FIELDS, read_map

LEAST = "source: survey\nrights: They agreed to it.\nimdb_id: film\nbody: text\n"


def refusal(text, **options):
    with pytest.raises(BadInput) as caught:
        read_map(text, **options)
    return str(caught.value)


def test_the_least_map():
    found = read_map(LEAST)
    assert found.columns() == {"imdb_id": "film", "body": "text"}
    assert (found.source, found.rights) == ("survey", "They agreed to it.")
    assert found.rating is found.submitted_on is found.encoding is None


def test_values_stay_the_words_that_they_are():
    found = read_map(
        LEAST + "is_spoiler: {column: no, words: [yes, on, 1]}\nreview_id: 007\n"
        'rating: {column: 1.50, scale: 5, minimum: 0.5, none: ["0", null]}\n'
    )
    assert found.is_spoiler.column == "no"
    assert found.is_spoiler.words == ("yes", "on", "1")
    assert found.review_id.column == "007"
    assert found.rating.column == "1.50"
    assert found.rating.none == ("0", "null")


def test_options_fill_what_the_map_leaves_out():
    found = read_map("body: text", source="survey", rights="Ours.", imdb_id="tt99000001")
    assert found.imdb_id.constant == "tt99000001"
    assert found.columns() == {"body": "text"}
    same = read_map(LEAST, source="survey", rights=None)
    assert same == read_map(LEAST)
    assert "source otherwise" in refusal(LEAST, source="other")
    assert "imdb_id otherwise" in refusal(LEAST, imdb_id="tt99000001")


def test_a_map_written_out_reads_as_the_same():
    found = read_map(
        LEAST.replace("film", "{constant: tt99000001}")
        + 'delimiter: tab\nencoding: latin-1\nsheet: "A: b #c"\ntitle: "“é” \\t x"\n'
        "rating: {column: r, scale: 100, minimum: 0}\n"
        "submitted_on: {column: d, format: day-first}\n"
    )
    assert found.delimiter == "\t"
    assert read_map(found.to_text()) == found


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("bodi: x", "`bodi` is unknown; known: source, rights, imdb_id"),
        ("rating: {column: r, scale: 5, max: 5}", "`rating.max` is unknown; known: column, scale"),
        ("rating: stars", "`rating.scale` is missing: the best that can be given"),
        ("rating: {column: r, scale: five}", "`rating.scale`: "),
        ("rating: {column: r, scale: 1000}", "`rating.scale`: "),
        ("rating: {column: r, scale: 5, minimum: 5}", "`minimum` must be less than `scale`"),
        ("title: [a, b]", "`title`: the name of a column is expected"),
        ("title:", "`title.column`: "),
        ("title: {column: a, html: perhaps}", "`title.html`: "),
        ("submitted_on: {column: d, format: dd.mm.yyyy}", "`submitted_on.format`: say one of iso"),
        ("submitted_on: {column: d, format: '%d.%m.%y'}", "two digits"),
        ("submitted_on: {column: d, format: '%x'}", "two digits"),
        ("submitted_on: {column: d, format: '%m %Y'}", "a day needs %Y"),
        ("submitted_on: {column: d, format: '%d %m'}", "a day needs %Y"),
        ("submitted_on: {column: d, format: '%Q'}", "a day needs %Y"),
        ("delimiter: ab", "`delimiter`: one character, or the word tab"),
        ("delimiter: '\"'", "`delimiter`: one character"),
        ("escape: ab", "`escape`: one character"),
        ("header_row: 0", "`header_row`: "),
        ("header_row: three", "`header_row`: "),
        ("helpful_up: {column: u, nome: x}", "`helpful_up.nome` is unknown; known: column, none"),
        ("encoding: klingon", "klingon is no encoding"),
        ("encoding: base64", "base64 is no encoding"),
        ("is_spoiler: {column: s, words: []}", "`is_spoiler.words`: "),
        ("body: other", "body is said twice"),
    ],
)
def test_each_mistake_is_named(more, said):
    assert said in refusal(LEAST + more)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a field a line"), ("- a\n- b", "a field a line"), ("body", "a field a line"),
        ("a: [", "no YAML"), ("a: !!python/object/apply:os.system [x]\n" + LEAST, "is unknown"),
        ("{" * 5_000, "no YAML"), ("#" * 70_000, "longer than"), ("? [a]\n: b", "no YAML"),
        ("a: &x b\nc: *y", "no YAML"),
        ("body: b", "`source` is missing"), ("body: b", "`rights` is missing"),
        ("body: b", "--imdb-id"), ("source: a", "`body` is missing"),
        (LEAST.replace("They agreed to it.", "' '"), "`rights`: "),
        (LEAST.replace("film", "{constant: tt1}"), "tt and 7 to 9 digits"),
        (LEAST.replace("film", "{}"), "either `column` or `constant`"),
        (LEAST.replace("film", "{column: a, constant: tt99000001}"), "either `column`"),
    ],
)  # fmt: skip
def test_what_is_no_map_is_refused(text, said):
    assert said in refusal(text)


@pytest.mark.parametrize("name", ["imdb", "quarantine", "inbox", "erasures"])
def test_names_of_the_lake_are_reserved(name):
    assert f"{name} is taken" in refusal(LEAST.replace("survey", name))


@pytest.mark.parametrize("name", ["Survey", "a b", "../x", "1a", "a/b", "x" * 41, "é"])
def test_a_source_is_one_lower_case_word(name):
    assert "a lower-case word" in refusal(LEAST.replace("survey", name))


def test_the_readme_shows_a_map_that_works_and_names_every_entry():
    text = (Path(module.__file__).parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    found = read_map(example)
    assert set(found.columns()) == set(FIELDS)
    known = set(type(found).model_fields)
    assert not {name for name in known if f"`{name}`" not in text}
