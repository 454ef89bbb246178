"""Files as people have them, through `filmpulse import reviews`: a trial, the import, and again."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from filmpulse import cli, jobs
from filmpulse.config import Settings

FILES = Path(__file__).parents[2] / "fixtures/tables"
MOVIE = "tt99000001"
WHOLE = """\
review_id: no
title: headline
body: text
rating: {column: stars, scale: 10}
submitted_on: day
"""
CONTROLS = "review_id: id\nbody: text\nrating: {column: stars, scale: 10}\nsubmitted_on: day\n"
BARE = "body: text\nrating: {column: stars, scale: 10}\n"


@pytest.fixture
def context(warehouse_url, tmp_path, monkeypatch):
    env = {
        "FILMPULSE_WAREHOUSE_URL": warehouse_url,
        "FILMPULSE_LAKE_URL": (tmp_path / "lake").as_uri(),
        "FILMPULSE_AUTHOR_SECRET": "for tests only",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return jobs.Context.from_settings(Settings.from_env(env))


@pytest.fixture
def bring(context, tmp_path):
    """Import a file as a person does; return what was printed."""

    def invoke(file, mapping, *words):
        (tmp_path / "map.yaml").write_text(mapping, encoding="utf-8")
        about = ["--map", tmp_path / "map.yaml", "--source", "survey", "--rights", "Our own."]
        words = ["import", "reviews", file, *about, "--imdb-id", MOVIE, *words]
        found = CliRunner().invoke(cli.app, [str(word) for word in words])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        assert found.exit_code == 0, found.output
        return found.output

    return invoke


def rows(context, text, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(text, values).fetchall()


def stored(context):
    return rows(context, "SELECT xmin::text, * FROM core.reviews ORDER BY first_seen_at, review_id")


def aspects(context):
    """Return the sign of each aspect of each review's current text."""
    found = rows(
        context,
        "SELECT review_id, aspect, sign(score)::int AS sign FROM core.aspect_scores "
        "JOIN core.reviews USING (source, review_id, content_hash)",
    )
    signs = {}
    for row in found:
        signs.setdefault(row["review_id"], {})[row["aspect"]] = row["sign"]
    return signs


def bring_thrice(bring, context, file, mapping, count):
    """Try a file, import it, and import it again; return the rows, which the last left alone."""
    trial = bring(file, mapping, "--dry-run")
    assert f"{count} rows: {count} reviews, 0 refused." in trial
    assert not stored(context)
    assert f"{count} new, 0 edited" in bring(file, mapping)
    found = stored(context)
    assert len(found) == count
    assert "nothing new" in bring(file, mapping)
    assert stored(context) == found
    return found


@pytest.mark.parametrize("name", ["escapes.xlsx", "strict.xlsx"])
def test_a_workbook_with_escapes_and_one_of_strict_open_xml(bring, context, name):
    found = bring_thrice(bring, context, FILES / name, WHOLE, 3)
    assert [(row["review_id"], row["title"], row["body"]) for row in found] == [
        ("a1", "Fine film", "The acting is superb.\nThe score is dull.\n\nStill worth it."),
        ("a2", "Literal", "Somebody wrote _x000D_ here."),
        ("a3", "Tab", "One two and an emoji \U0001f600 end."),
    ]
    assert [row["rating_1_10"] for row in found] == [8, 7, 7]
    assert [row["submitted_on"] for row in found] == [date(2024, 3, day) for day in (1, 2, 3)]


def test_control_characters_keep_words_apart_and_signs_right(bring, context, tmp_path):
    found = bring_thrice(bring, context, FILES / "controls.csv", CONTROLS, 4)
    assert [row["body"] for row in found] == [
        "The acting is superb…the music is dull.",
        "I was bored…terrible plot, awful dialogue…wooden acting.",
        "The lead actor \u2013 brilliant…gorgeous photography…moving.",
        "Line one is fine\nBad acting follows\nAnd a dull score",
    ]
    signs = aspects(context)
    assert (signs["n1"]["acting"], signs["n1"]["sound"]) == (1, -1)
    assert set(signs["n2"].values()) == {-1}
    assert set(signs["n3"].values()) == {1}
    assert (signs["n4"]["acting"], signs["n4"]["sound"]) == (-1, -1)
    # Written as Unicode the file says the same, so that nothing is to be changed.
    table = str.maketrans({"\x85": "…", "\x96": "\u2013"})
    content = (FILES / "controls.csv").read_bytes().decode().translate(table)
    (tmp_path / "unicode.csv").write_bytes(content.encode())
    assert "nothing new" in bring(tmp_path / "unicode.csv", CONTROLS)
    assert stored(context) == found


def test_latin_1_is_read_as_windows_1252(bring, context):
    found = bring_thrice(bring, context, FILES / "latin-1.csv", BARE + "encoding: latin-1\n", 2)
    assert {row["body"] for row in found} == {
        "The acting is superb… the score is dull.", "C\u2019est magnifique, \u201cquel film\u201d",
    }  # fmt: skip


def test_a_line_that_says_the_delimiter(bring, context):
    found = bring_thrice(bring, context, FILES / "sep-line.csv", BARE, 2)
    assert {(row["body"], row["rating_1_10"]) for row in found} == {
        ("The acting is superb; the score is dull.", 8), ("Boring from start to end.", 3),
    }  # fmt: skip


EQUAL = "body: Review Title\nrating: {column: Rating, scale: 10}\n"


def test_every_row_is_kept_where_texts_are_equal_and_have_no_ids(bring, context, tmp_path):
    found = bring_thrice(bring, context, FILES / "equal-rows.csv", EQUAL, 6)
    assert sorted((row["body"], row["rating_1_10"]) for row in found) == [
        ("Dull", 3), ("Masterpiece", 9), ("Masterpiece", 10), ("Masterpiece", 10),
        ("Worth a ticket", 7), ("Worth a ticket", 8),
    ]  # fmt: skip
    grown = (FILES / "equal-rows.csv").read_text() + "10,Masterpiece\n1,New\n"
    (tmp_path / "grown.csv").write_text(grown)
    assert "2 new, 0 edited" in bring(tmp_path / "grown.csv", EQUAL)
    assert [row for row in stored(context) if row in found] == found
    waiting = [str(tmp_path / "grown.csv"), "--map", str(tmp_path / "map.yaml")]
    about = ["--source", "survey", "--rights", "Our own.", "--imdb-id", MOVIE]
    assert CliRunner().invoke(cli.app, ["inbox", "add", *waiting, *about]).exit_code == 0
    before = stored(context)
    assert CliRunner().invoke(cli.app, ["inbox", "load"]).exit_code == 0
    assert stored(context) == before


def test_one_list_in_every_form(bring, context, tmp_path):
    reviews = [{"text": f"Number {n} is fine.", "stars": n} for n in range(1, 6)]
    forms = {
        "list.json": json.dumps(reviews, indent=2),
        "lines.json": "\n".join(map(json.dumps, reviews)),
        "lines.jsonl": "\n".join(map(json.dumps, reviews)),
        "table.csv": "text,stars\n" + "".join(f"{r['text']},{r['stars']}\n" for r in reviews),
    }
    said = []
    for name, content in forms.items():
        (tmp_path / name).write_text(content)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
        said += [bring(tmp_path / name, BARE), bring(tmp_path / f"{name}.gz", BARE)]
    assert "5 new, 0 edited" in said[0]
    assert all("nothing new" in one for one in said[1:])
    assert len(stored(context)) == 5
    variants = {row["variant"] for row in rows(context, "SELECT variant FROM ops.collections")}
    assert variants == {"json", "jsonl", "csv"}


@pytest.mark.parametrize("ids", ["review_id: id\n", ""])
def test_a_text_that_lost_its_control_characters_is_edited_once(bring, context, tmp_path, ids):
    """What was stored before they were read is brought up to date, whether or not rows have ids."""
    mapping = f"{ids}body: text\n"
    body = "The acting is superb{}the music is dull."
    file = tmp_path / "answers.csv"
    file.write_text(f"id,text\nn1,{body.format('')}\nn2,{body.format(' - ')}\n")
    bring(file, mapping)  # as an earlier version read the file below
    before = {row["review_id"]: row for row in stored(context)}
    analysed = "SELECT review_id, content_hash FROM core.review_analyses"
    assert len(rows(context, analysed)) == 2

    file.write_text(f"id,text\nn1,{body.format(chr(0x85))}\nn2,{body.format(' - ')}\n")
    assert "0 new, 1 edited" in bring(file, mapping)
    after = {row["review_id"]: row for row in stored(context)}
    assert set(after) == set(before)
    (edited,) = (one for one in after if after[one]["body"] != before[one]["body"])
    assert after[edited]["body"] == body.format("…")
    (revision,) = rows(context, "SELECT * FROM core.review_revisions")
    assert (revision["review_id"], revision["body"]) == (edited, body.format(""))
    assert (edited, after[edited]["content_hash"]) in {
        (row["review_id"], row["content_hash"]) for row in rows(context, analysed)
    }
    assert aspects(context)[edited] == {"acting": 1, "sound": -1}

    assert "nothing new" in bring(file, mapping)
    assert {row["review_id"]: row for row in stored(context)} == after
    assert len(rows(context, "SELECT FROM core.review_revisions")) == 1
