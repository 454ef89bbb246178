"""The lines that the README shows for notebooks run as they stand there."""

import ast
import re
from pathlib import Path

import psycopg
import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.warehouse import Warehouse, figures

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## In a notebook\n")[2].partition("\n## ")[0]
(BLOCK,) = re.findall(r"^```python\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
MOVIE = "tt99000001"


@pytest.fixture
def notebook(warehouse_url, tmp_path, monkeypatch):
    """A folder with an export, and an environment that names the warehouse."""
    with psycopg.connect(warehouse_url) as connection:
        connection.execute(
            "INSERT INTO core.analysers (kind, prompt_version) VALUES ('lexicon', '1')"
        )
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of, active_analyser_id) "
            "SELECT %s, 'The Glass Orchard', now(), analyser_id FROM core.analysers",
            [MOVIE],
        )
        connection.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at, language) VALUES "
            "('imdb', 'rw1', %s, 'T', 'B', false, 'h', now(), 'en')",
            [MOVIE],
        )
        for statement, *values in (
            ("core.review_analyses (status, overall,", "scored", 2),
            ("core.aspect_scores (aspect, score,", "acting", -1),
        ):
            connection.execute(
                f"INSERT INTO {statement} source, review_id, content_hash, imdb_id, analyser_id) "  # noqa: S608
                "SELECT %s, %s, 'imdb', 'rw1', 'h', %s, analyser_id FROM core.analysers",
                [*values, MOVIE],
            )
    settings = Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri())
    figures.count_all(Warehouse(warehouse_url))
    jobs.export(jobs.Context.from_settings(settings), str(tmp_path / "export"))
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    monkeypatch.chdir(tmp_path)


@pytest.mark.rows_by_hand
def test_each_line_gives_the_figures(notebook):
    *imports, pandas, duckdb = ast.parse(BLOCK).body
    names = {}
    exec(compile(ast.Module(imports, []), "README.md", "exec"), names)  # noqa: S102
    pandas, duckdb = (
        eval(compile(ast.Expression(line.value), "README.md", "eval"), names)  # noqa: S307
        for line in (pandas, duckdb)
    )
    assert pandas.loc["en"].to_list() == [2, 1]
    assert duckdb.fetchall() == [("acting", -1, 1)]
