"""Which map is proposed for tables as people have them; all texts are invented."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.errors import BadInput
from filmpulse.sources.tables import readers
from filmpulse.sources.tables.mapping import FIELDS, make_map
from filmpulse.sources.tables.propose import fold, propose_map, propose_table

LONG = (
    "The acting is superb and the choir carries the whole of the second act, number {n}.",
    "Dull, slow and far too long; I looked at the clock from the first scene on, number {n}.",
    "A fine score, lovely light, and a story that does not know how to end, number {n}.",
)
IDS = ("tt99000001", "tt99000002", "tt99000003")


def text(n):
    return LONG[n % 3].format(n=n)


def table(columns, rows, *, delimiter=",", encoding="utf-8", above=()):
    out = io.StringIO(newline="")
    for line in above:
        out.write(f"{line}\r\n")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def workbook(columns, rows, above=()):
    book = openpyxl.Workbook()
    for row in (*above, columns, *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def proposed(content, name="answers.csv"):
    return propose_table(io.BytesIO(content), name)[1]


def columns_of(proposal):
    return {f: e["column"] for f, e in proposal.entries.items() if f in FIELDS}


def asked(proposal):
    return {(q.field, q.kind) for q in proposal.questions}


def letterboxd():
    """The columns of a member's export of reviews."""
    header = ("Date", "Name", "Year", "Letterboxd URI", "Rating", "Rewatch", "Review", "Tags",
              "Watched Date")  # fmt: skip
    rows = [
        (f"2024-03-{n + 1:02}", f"Invented Film {n}", 1990 + n, f"https://boxd.it/{n}", n / 2 + 0.5,
         "", text(n), "", f"2024-02-{n + 1:02}")
        for n in range(9)
    ]  # fmt: skip
    return table(header, rows)


def spoiler_lines():
    """JSON lines as a public set of reviews at IMDb has them."""
    rows = [
        {"review_date": f"{n + 1} February 2006", "movie_id": IDS[n % 3], "user_id": f"ur99{n:05}",
         "is_spoiler": bool(n % 2), "review_text": text(n), "rating": str(n + 1),
         "review_summary": f"Heading {n}"}
        for n in range(10)
    ]  # fmt: skip
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


SHAPES = {
    # name: (content, file's name, column of each field, other entries, what is asked)
    "letterboxd": (
        letterboxd(), "reviews.csv",
        {"body": "Review", "rating": "Rating", "submitted_on": "Date"},
        {"rating": {"scale": 5}}, {("imdb_id", "missing")},
    ),
    "spoilers": (
        spoiler_lines(), "reviews.jsonl",
        {"imdb_id": "movie_id", "body": "review_text", "title": "review_summary",
         "rating": "rating", "submitted_on": "review_date", "is_spoiler": "is_spoiler",
         "author": "user_id"},
        {"rating": {"scale": 10}, "submitted_on": {"format": "%d %B %Y"}}, set(),
    ),
    "sentiment": (
        table(("review", "sentiment"),
              [(f"{text(n)}<br /><br />More.", ("positive", "negative")[n % 2]) for n in range(8)]),
        "imdb.csv", {"body": "review"}, {"body": {"html": True}}, {("imdb_id", "missing")},
    ),
    "critics": (
        table(("rotten_tomatoes_link", "critic_name", "top_critic", "publisher_name", "review_type",
               "review_score", "review_date", "review_content"),
              [(f"m/{n}", f"Critic {n}", "True", "The Gazette", "Fresh",
                f"{n % 4 + 0.5:g}/4" if n % 3 else "B+", f"2010-02-{n + 1:02}", text(n))
               for n in range(9)]),
        "critics.csv",
        {"body": "review_content", "rating": "review_score", "submitted_on": "review_date",
         "author": "critic_name"},
        {"rating": {"scale": 4}}, {("imdb_id", "missing"), ("rating", "unread")},
    ),
    "ratings of movielens": (
        table(("userId", "imdbId", "rating", "timestamp", "tag text"),
              [(n % 4, f"{99000001 + n % 3}", n % 5 + 0.5, 964982703 + n, text(n))
               for n in range(9)]),
        "ml.csv",
        {"imdb_id": "imdbId", "body": "tag text", "rating": "rating", "submitted_on": "timestamp",
         "author": "userId"},
        {"rating": {"scale": 5}, "submitted_on": {"format": "unix"}}, set(),
    ),
    "german": (
        table(("Film-ID", "Überschrift", "Bewertung", "Sterne", "Datum", "Enthält Spoiler",
               "Nutzer"),
              [(IDS[0], f"Titel {n}", text(n).replace("choir", "Chor für"), f"{n % 5 + 1}",
                f"{n + 10}.03.2024", ("ja", "nein")[n % 2], f"nutzer{n}") for n in range(8)],
              delimiter=";", encoding="windows-1252"),
        "umfrage.csv",
        {"imdb_id": "Film-ID", "title": "Überschrift", "body": "Bewertung", "rating": "Sterne",
         "submitted_on": "Datum", "is_spoiler": "Enthält Spoiler", "author": "Nutzer"},
        {"rating": {"scale": 5}, "submitted_on": {"format": "day-first"},
         "is_spoiler": {"words": ["ja"]}, "delimiter": ";", "encoding": "cp1252"},
        {("encoding", "encoding")},
    ),
    "spanish": (
        table(("Película", "Título de la reseña", "Reseña", "Puntuación", "Fecha"),
              [(IDS[n % 3], f"Título {n}", text(n), f"{n % 10 + 1},5" if n % 10 < 9 else "10",
                f"{n + 1}/12/2023") for n in range(20)], delimiter=";"),
        "resenas.csv",
        {"imdb_id": "Película", "title": "Título de la reseña", "body": "Reseña",
         "rating": "Puntuación", "submitted_on": "Fecha"},
        {"rating": {"scale": 10}, "submitted_on": {"format": "day-first"}, "delimiter": ";"}, set(),
    ),
    "french": (
        workbook(("Lien IMDb", "Titre de l'avis", "Avis", "Note / 20", "Date de l'avis", "Pseudo"),
                 [(f"https://www.imdb.com/title/{IDS[n % 3]}/", f"Titre {n}", text(n), n + 8,
                   datetime(2024, 3, n + 1), f"pseudo{n}") for n in range(9)]),  # noqa: DTZ001
        "avis.xlsx",
        {"imdb_id": "Lien IMDb", "title": "Titre de l'avis", "body": "Avis",
         "rating": "Note / 20", "submitted_on": "Date de l'avis", "author": "Pseudo"},
        {"rating": {"scale": 20}}, set(),
    ),
    "american dates": (
        table(("IMDb ID", "Review", "Stars (1-5)", "Submitted"),
              [(IDS[0], text(n), n % 5 + 1, f"12/{n + 14}/2023") for n in range(9)]),
        "us.csv",
        {"imdb_id": "IMDb ID", "body": "Review", "rating": "Stars (1-5)",
         "submitted_on": "Submitted"},
        {"rating": {"scale": 5}, "submitted_on": {"format": "month-first"}}, set(),
    ),
    "dates of two readings": (
        table(("imdb_id", "text", "date"),
              [(IDS[0], text(n), f"0{n + 1}/05/2024") for n in range(8)]),
        "open.csv", {"imdb_id": "imdb_id", "body": "text", "submitted_on": "date"}, {},
        {("submitted_on", "order")},
    ),
    "points of 100 with zeros": (
        table(("movieImdbId", "fullReview", "score", "createdAt"),
              [(IDS[n % 2], text(n), (0, 35, 87, 100)[n % 4], f"2024-03-{n + 1:02}T10:00:00Z")
               for n in range(8)], delimiter="\t"),
        "points.tsv",
        {"imdb_id": "movieImdbId", "body": "fullReview", "rating": "score",
         "submitted_on": "createdAt"},
        {"rating": {"scale": 100, "minimum": 0}}, {("rating", "zero")},
    ),
    "no grade is 0": (
        table(("imdb_id", "comment", "rating", "helpful", "not helpful"),
              [(IDS[0], text(n), n, f"1,20{n}", "-" if n else "3") for n in range(9)]),
        "zero.csv",
        {"imdb_id": "imdb_id", "body": "comment", "rating": "rating", "helpful_up": "helpful",
         "helpful_down": "not helpful"},
        {"rating": {"scale": 10, "none": ["0"]}, "helpful_down": {"none": ["-"]}},
        {("rating", "zero")},
    ),
    "percent and none": (
        table(("imdb_id", "opinion", "mark"),
              [(IDS[0], text(n), f"{n * 10 + 5}%" if n else "n/a") for n in range(9)]),
        "percent.csv", {"imdb_id": "imdb_id", "body": "opinion", "rating": "mark"},
        {"rating": {"scale": 100, "none": ["n/a"]}}, set(),
    ),
    "drawn stars": (
        table(("imdb_id", "text", "star_rating"),
              [(IDS[0], text(n), "★" * (n % 4 + 1) + "½" * (n % 2)) for n in range(9)]),
        "stars.csv", {"imdb_id": "imdb_id", "body": "text", "rating": "star_rating"},
        {"rating": {"scale": 5}}, set(),
    ),
    "low whole grades": (
        table(("imdb_id", "text", "rating"), [(IDS[0], text(n), n % 4 + 1) for n in range(9)]),
        "low.csv", {"imdb_id": "imdb_id", "body": "text", "rating": "rating"},
        {"rating": {"scale": 5}}, {("rating", "scale")},
    ),
    "a heading above": (
        workbook(("Antwort-Nr", "Film", "Kommentar", "Punkte", "Abgegeben am"),
                 [(f"a{n}", IDS[n % 3], text(n), n, date(2024, 5, n + 1)) for n in range(1, 9)],
                 above=[("Umfrage 2024",), ()]),
        "umfrage.xlsx",
        {"review_id": "Antwort-Nr", "imdb_id": "Film", "body": "Kommentar", "rating": "Punkte",
         "submitted_on": "Abgegeben am"},
        {"rating": {"scale": 10}, "header_row": 3}, set(),
    ),
    "two of a kind": (
        table(("imdb_id", "text", "comment", "rating", "score"),
              [(IDS[0], text(n), text(n + 1), n + 1, 10 - n) for n in range(9)]),
        "twins.csv", {"imdb_id": "imdb_id", "rating": "rating"}, {"rating": {"scale": 10}},
        {("body", "candidates"), ("rating", "candidates")},
    ),
    "movies by their titles": (
        table(("imdb_id", "title", "review", "rating"),
              [(IDS[n % 3], f"The Glass Orchard {n % 3}", text(n), n + 1) for n in range(9)]),
        "titles.csv", {"imdb_id": "imdb_id", "body": "review", "rating": "rating"}, {},
        {("title", "movie_title")},
    ),
    "unnamed": (
        table(("a", "b", "c"), [(f"2024-03-{n + 1:02}", text(n), IDS[n % 3]) for n in range(8)]),
        "abc.csv", {"imdb_id": "c", "body": "b", "submitted_on": "a"}, {}, set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_map_is_proposed_for(shape):
    content, name, columns, more, questions = SHAPES[shape]
    proposal = proposed(content, name)
    found = columns_of(proposal)
    if ("body", "candidates") in questions:  # either of the two will do
        assert found.pop("body") in ("text", "comment")
    assert found == columns
    for field, entry in more.items():
        own = proposal.entries[field]
        assert (own if not isinstance(entry, dict) else own | entry) == own, field
    assert asked(proposal) == questions
    assert all(question.sentence for question in proposal.questions)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_proposed_is_a_map(shape):
    content, name, *_ = SHAPES[shape]
    entries = proposed(content, name).entries
    entries.setdefault("imdb_id", {"constant": IDS[0]})
    made = make_map(entries | {"source": "survey", "rights": "our own survey"})
    assert made.columns().items() >= columns_of(proposed(content, name)).items()


def test_the_same_table_packed_and_as_json_is_proposed_the_same():
    rows = [{"imdb_id": IDS[0], "text": text(n), "rating": n + 1} for n in range(8)]
    plain = proposed(table(tuple(rows[0]), [tuple(row.values()) for row in rows]))
    array = proposed(json.dumps(rows).encode(), "rows.json")
    packed = proposed(
        gzip.compress(table(tuple(rows[0]), [tuple(row.values()) for row in rows])), "rows.csv.gz"
    )
    assert plain == array == packed


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_of_excel(encoding):
    content = table(
        ("imdb_id", "Überschrift", "text"), [(IDS[0], f"Ä {n}", text(n)) for n in range(5)]
    )
    proposal = proposed(content.decode().encode(encoding))
    assert columns_of(proposal) == {"imdb_id": "imdb_id", "title": "Überschrift", "body": "text"}
    assert ("encoding", "encoding") not in asked(proposal)


def test_trials():
    """Files that people had: a line `sep=`, controls, short texts without ids."""
    sep = 'sep=;\r\ntext;stars\r\n"The acting is superb; the score is dull.";8\r\n"Boring.";3\r\n'
    assert columns_of(proposed(sep.encode())) == {"body": "text", "rating": "stars"}
    assert "delimiter" not in proposed(sep.encode()).entries  # the file says it itself
    short = "Rating,Review Title\n10,Masterpiece\n9,Masterpiece\n3,Dull\n"
    found = proposed(short.encode())
    assert columns_of(found) == {"rating": "Rating", "body": "Review Title"}
    assert ("body", "title_is_text") in asked(found)
    controls = (
        "id,text,stars,day\r\nn1,superb\x85the music,7,2024-03-01\r\nn2,dull,3,2024-03-02\r\n"
    )
    found = proposed(controls.encode())
    assert columns_of(found) == {
        "review_id": "id", "body": "text", "rating": "stars", "submitted_on": "day",
    }  # fmt: skip
    cp1252 = '"text","stars"\r\n"C\x92est magnifique","9"\r\n'.encode("latin-1")
    assert proposed(cp1252).entries["encoding"] == "cp1252"


def test_columns_of_one_name_cannot_be_used():
    content = table(
        ("imdb_id", "text", "note", "note"), [(IDS[0], text(n), n, n) for n in range(5)]
    )
    sample, proposal = propose_table(io.BytesIO(content), "twice.csv")
    assert sample.columns == ["imdb_id", "text"]
    assert ("header_row", "twice") in asked(proposal)


def test_a_table_without_names_is_noticed():
    content = table((IDS[0], text(0), "8"), [(IDS[0], text(n), n) for n in range(1, 5)])
    assert ("header_row", "headless") in asked(proposed(content))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.xlsx", "a.csv.gz", "a.pdf"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"{}", b"\0" * 50, b"\xff" * 50])
def test_what_is_no_table_is_refused_in_words(name, content):
    try:
        propose_table(io.BytesIO(content), name)
    except BadInput as error:
        assert str(error)  # noqa: PT017 - some of it can be read as a table with a strange name


ODD = st.text(max_size=40)


@given(st.lists(ODD, min_size=1, max_size=8, unique=True), st.data())
def test_odd_headers_and_values_never_break_it(names, data):
    rows = data.draw(st.lists(st.lists(ODD, min_size=len(names), max_size=len(names)), max_size=6))
    proposal = propose_map(names, rows)
    columns = list(columns_of(proposal).values())
    assert len(columns) == len(set(columns))
    assert set(columns) <= set(names)


@given(
    st.sampled_from(["review text", "Review_Text", "reviewText", "REVIEW-TEXT", "  Review  text:"]),
    st.sampled_from(["imdb_id", "IMDb ID", "imdbId", "ImdbID", "IMDB-Id"]),
    st.integers(2, 30),
)
def test_case_accents_and_signs_do_not_count(body, movie, count):
    found = propose_map([body, movie], [[text(n), IDS[n % 3]] for n in range(count)])
    assert columns_of(found) == {"body": body, "imdb_id": movie}


def test_words_of_a_header():
    assert fold("Título de la Reseña") == ["titulo", "de", "la", "resena"]
    assert fold("reviewText") == fold("REVIEW_TEXT") == ["review", "text"]
    assert fold("Straße/№") == ["strasse", "no"]


@pytest.mark.parametrize("name", ["long.csv.gz", "long.jsonl.gz", "long.json.gz"])
def test_a_packed_table_is_unpacked_as_far_as_its_first_rows_reach(name, monkeypatch):
    monkeypatch.setattr(readers, "TemporaryFile", None)  # nothing goes to disk
    row = {"movie": "tt99000001", "review": "The light is lovely and the choir sings. " * 2}
    text = json.dumps(row)
    rows = {
        "long.csv.gz": "movie,review\n" + f"{','.join(row.values())}\n" * 200_000,
        "long.jsonl.gz": f"{text}\n" * 200_000,
        "long.json.gz": "[" + ",".join([text] * 200_000) + "]",
    }[name]
    assert len(rows) > 18_000_000
    packed = io.BytesIO(gzip.compress(rows.encode(), 1))
    sample, proposal = propose_table(packed, name, most_unpacked=3_000_000)
    assert sample.columns == ["movie", "review"]
    assert proposal.entries["imdb_id"] == {"column": "movie"}


def test_the_first_rows_of_a_packed_table_have_a_limit_too():
    packed = io.BytesIO(gzip.compress(b"movie,review\n" + b" \n" * 900_000))
    with pytest.raises(BadInput, match="larger than 1 MB unpacked"):
        propose_table(packed, "empty.csv.gz", most_unpacked=1_000_000)
