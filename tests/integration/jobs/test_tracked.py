"""Tracked movies in the Variable and the table: where an id is stored, what a file changes."""

import json

import pytest
from typer.testing import CliRunner

from filmpulse import airflow_bridge, cli, jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput, WarehouseUnavailable
from filmpulse.jobs.reception import track
from filmpulse.warehouse import Warehouse

A, B, C, D, E = (f"tt990000{n:02}" for n in range(5))
ADDRESS = f"https://www.imdb.com/title/{A}/?ref_=fn_t_1"


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=tmp_path.as_uri(), author_secret="x" * 32)
    )


@pytest.fixture
def small(monkeypatch):
    """Four movies are already a long list."""
    monkeypatch.setattr(track, "TABLE_FROM", 4)


def table(context):
    with context.warehouse.connect() as connection:
        rows = connection.execute("SELECT * FROM core.tracked ORDER BY imdb_id").fetchall()
    return {row["imdb_id"]: (row["origin"], row["file_name"]) for row in rows}


class Variable:
    """Stands in for Airflow's Variable; runs `filmpulse movies ...`."""

    def __init__(self, context, monkeypatch):
        self.raw = "[]"
        monkeypatch.setattr(airflow_bridge, "read_variable", lambda: self.raw)
        monkeypatch.setattr(airflow_bridge, "change_variable", self._change)
        monkeypatch.setattr(cli.common, "job_context", lambda: context)

    def _change(self, change):
        made = change(self.raw)
        self.raw = made.variable
        return made

    def __call__(self, *words, raw=None):
        self.raw = self.raw if raw is None else json.dumps(raw)
        result = CliRunner().invoke(cli.app, ["movies", *map(str, words)])
        assert result.exit_code == 0, result.output
        self.said = result.output
        return json.loads(self.raw)


@pytest.fixture
def variable(context, monkeypatch):
    return Variable(context, monkeypatch)


def test_movies_are_added_and_removed_by_address(variable):
    assert variable("add", ADDRESS, f"m.imdb.com/title/{A}", B) == [A, B]
    assert variable("remove", ADDRESS) == [B]
    written = [f"imdb.com/title/{A}", "tt1", 5, {"a": 1}]
    assert variable("add", A, raw=written) == written
    assert variable("remove", A, "tt1", raw=written) == [5, {"a": 1}]


def test_a_short_list_is_in_the_variable_and_more_goes_to_the_table(variable, context, small):
    assert variable("add", A, B, C) == [A, B, C]
    assert variable("add", D, E) == [A, B, C]
    assert table(context) == {D: ("command", None), E: ("command", None)}
    assert variable("add", D, A) == [A, B, C]
    assert jobs.all_tracked(variable.raw, context.warehouse).imdb_ids == [A, B, C, D, E]
    variable("remove", B, D, E)
    assert (json.loads(variable.raw), table(context)) == ([A, C], {})
    assert variable("add", E) == [A, C, E]


def test_what_both_hold_counts_once_and_the_variable_wins(variable, context, small):
    variable("add", A, B, C)
    variable("add", D)
    by_hand = [A, B, C, D]
    assert jobs.all_tracked(json.dumps(by_hand), context.warehouse).imdb_ids == by_hand
    assert variable("add", A, raw=by_hand) == by_hand
    assert table(context) == {}


def test_a_long_variable_is_moved(variable, context):
    assert variable("move", raw=[A, "tt1", B]) == ["tt1"]
    assert table(context) == {A: ("variable", None), B: ("variable", None)}
    assert variable("move") == ["tt1"]
    assert "2 movies are tracked" in variable.said


def test_a_file_is_tracked_twice_and_taken_out_again(variable, context, tmp_path, small):
    file = tmp_path / "list of ids.csv"
    file.write_text(f"Const,Title\n{A},one\nx,two\n{B},three\n{C},four\n{D},five\n")
    variable("import", file, "--dry-run")
    assert (variable.raw, table(context)) == ("[]", {})
    for _ in range(2):
        variable("import", file)
        assert variable.raw == "[]"
        assert table(context) == dict.fromkeys([A, B, C, D], ("file", file.name))
    variable("import", file, "--remove", "--dry-run")
    assert len(table(context)) == 4
    variable("import", file, "--remove")
    assert (variable.raw, table(context)) == ("[]", {})


def test_ten_thousand_movies_never_touch_the_variable(variable, context, tmp_path):
    file = tmp_path / "many.txt"
    file.write_text("\n".join(f"tt{n:07}" for n in range(1, 10_001)))
    variable("import", file, raw=["tt0000005"])
    assert json.loads(variable.raw) == ["tt0000005"]
    assert len(table(context)) == 9_999
    variable("list")
    assert len(variable.said.splitlines()) == 10_000


def test_a_change_that_cannot_be_made_changes_nothing(context, small):
    for raw in ("", "7", '{"a": 1}'):
        with pytest.raises(BadInput):
            jobs.change_tracked(raw, context, add=[A, B, C, D])
    with pytest.raises(BadInput):
        jobs.change_tracked("[]", context, add=[A, B, C, D, "tt1"])
    assert table(context) == {}
    away = jobs.Context(
        context.settings, Warehouse("postgresql://x:y@127.0.0.1:1/none"), context.open_lake
    )
    with pytest.raises(WarehouseUnavailable):
        jobs.change_tracked("[]", away, add=[A])


def test_the_table_is_erased_with_its_movie(variable, context, small):
    variable("add", A, B, C, D)
    with context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'x', now())", (A,)
        )
    jobs.erase("movie", A, context)
    assert set(table(context)) == {B, C, D}
    variable("add", A)
    jobs.replay_erasures(context)
    assert set(table(context)) == {A, B, C, D}
