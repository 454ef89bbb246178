"""`filmpulse audit` and `filmpulse evaluate --warehouse`: what they write, say and refuse."""

import csv
import json

import pytest
from typer.testing import CliRunner

from filmpulse import (
    airflow_bridge,  # noqa: F401 - it logs to the stream of its first import, a test's if later
    cli,
)
from filmpulse.errors import BadInput
from filmpulse.warehouse import Warehouse, figures

MOVIE, OTHER = "tt99000001", "tt99000002"


@pytest.fixture
def call(warehouse_url, tmp_path, monkeypatch):
    """Run a command over two movies: of one many graded reviews are scored, of the other few."""
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("FILMPULSE_LAKE_URL", (tmp_path / "lake").as_uri())
    monkeypatch.chdir(tmp_path)
    with Warehouse(warehouse_url).connect() as connection:
        connection.execute(
            "INSERT INTO core.analysers (kind, prompt_version) VALUES ('lexicon', '[2]-72f2fd4f')"
        )
        for imdb_id, title, count in ((MOVIE, "The [bold]Orchard", 40), (OTHER, "Rain", 5)):
            connection.execute(
                "INSERT INTO core.movies (imdb_id, title, facts_as_of, active_analyser_id) "
                "VALUES (%s, %s, now(), 1)",
                [imdb_id, title],
            )
            connection.execute(
                "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, rating_1_10, "
                "is_spoiler, content_hash, first_seen_at) SELECT 'imdb', %(i)s || n, %(i)s, 'Q', "
                "'Quinces ' || n, CASE WHEN n %% 2 = 0 THEN 9 ELSE 2 END, false, 'h' || n, now() "
                "FROM generate_series(1, %(n)s) n",
                {"i": imdb_id, "n": count},
            )
        connection.execute(
            "INSERT INTO core.review_analyses (source, review_id, content_hash, analyser_id, "
            "imdb_id, status, overall) SELECT source, review_id, content_hash, 1, imdb_id, "
            "'scored', CASE WHEN rating_1_10 = 9 OR review_id = %s THEN 1 ELSE -1 END "
            "FROM core.reviews",
            [f"{MOVIE}1"],
        )
    figures.count_all(Warehouse(warehouse_url))

    def run(*words):
        return CliRunner().invoke(cli.app, list(words))

    return run


def assert_as_wide_as_a_terminal(output):
    """Each row of the tables of audits is a line of 80 columns, with its aspect and all figures."""
    rows = [line for line in output.splitlines() if " Storytelling " in line]
    assert rows
    for line in rows:
        assert len(line.rstrip()) <= 80
        assert len(line.partition(" Storytelling ")[2].split()) == 6
        assert line.partition(" Storytelling ")[0].strip()


def test_a_sample_goes_out_and_comes_back(call, tmp_path):
    made = call("audit", "--n", "20", "--seed", "3", "--output", "a.csv", "--imdb-id", MOVIE)
    assert made.exit_code == 0, made.output
    assert "--seed 3" in made.output
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 20
    for row in found[:12]:
        row |= {"overall_label": row["overall_score"], "acting_label": "1"}
    with (tmp_path / "b.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, found[0], delimiter=";")
        writer.writeheader()
        writer.writerows(found)
    for name in ("Ann", "Ben [red]"):
        read = call("audit", "--read", "b.csv", "--auditor", name)
        assert read.exit_code == 0, read.output
        assert "12 reviews labelled; 8 rows are blank." in read.output
        assert name in read.output
        assert_as_wide_as_a_terminal(read.output)
    report = call("evaluate", "--warehouse", "--json", "out.json")
    assert report.exit_code == 0, report.output
    assert "audited by 2 people on 12 reviews" in report.output
    assert_as_wide_as_a_terminal(report.output)
    told = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    (analyser,) = told["analysers"]
    assert [pair["auditor"] for pair in analyser["audits"]] == [None, "Ann", "Ben [red]"]
    assert analyser["audits"][1]["aspects"]["overall"]["exact_agreement"] == 1
    assert analyser["audits"][1]["aspects"]["all_aspects"]["f1"] == 0
    assert told["people"][-1]["other_auditor"] == "Ben [red]"
    assert told["people"][-1]["aspects"]["acting"]["sign_agreement"] == 1
    gone = call("audit", "--forget", "--auditor", "Ann")
    assert (gone.exit_code, "12 reviews" in gone.output) == (0, True)


def test_a_warehouse_is_judged_by_its_grades(call, tmp_path):
    made = call("evaluate", "--warehouse", "--json", "out.json")
    assert made.exit_code == 0, made.output
    for word in ("not yet audited", "The [bold]Orchard", "Rain", "keyless lexicon [2]"):
        assert word in made.output
    (analyser,) = json.loads((tmp_path / "out.json").read_text())["analysers"]
    assert analyser["grades"]["rated_reviews"] == 45
    assert analyser["grades"]["contradicting_share"] == pytest.approx(1 / 45)
    many, few = analyser["movies"]
    assert (many["imdb_id"], many["rated_reviews"], many["is_shown"]) == (MOVIE, 40, True)
    assert 0.9 < many["spearman"] < 1
    assert (few["imdb_id"], few["spearman"], few["contradicting_share"]) == (OTHER, None, None)
    assert analyser["audits"] == []


def test_an_empty_warehouse_is_told_of(call, warehouse_url):
    with Warehouse(warehouse_url).connect() as connection:
        connection.execute("DELETE FROM core.movies")
    made = call("evaluate", "--warehouse")
    assert made.exit_code == 0, made.output
    assert "filmpulse analyse" in made.output


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "--auditor", "Ann"),
        ("audit", "--read", "a.csv"),
        ("audit", "--forget"),
        ("audit", "--read", "a.csv", "--forget", "--auditor", "Ann"),
        ("audit", "--read", "nowhere.csv", "--auditor", "Ann"),
        ("audit", "--read", ".", "--auditor", "Ann"),
        ("audit", "--imdb-id", "tt99000009"),
        ("audit", "--output", "nowhere/a.csv"),
        ("evaluate",),
        ("evaluate", "a.jsonl", "--warehouse"),
        ("evaluate", "--warehouse", "--analyser", "lexicon"),
        ("evaluate", "--warehouse", "--predictions", "a.jsonl"),
        ("evaluate", "--warehouse", "--json", "nowhere/a.json"),
    ],
)
def test_what_cannot_be_is_a_sentence(call, words):
    assert isinstance(call(*words).exception, BadInput)
