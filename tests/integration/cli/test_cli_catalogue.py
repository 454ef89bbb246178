"""`filmpulse catalogue status`: the newest try of each dataset, and the load that readers see."""

from __future__ import annotations

import pytest
from helpers.dataset_rows import hostile_rows, lines
from helpers.dataset_shelf import open_shelf
from typer.testing import CliRunner

from filmpulse import jobs
from filmpulse.cli.app import app
from filmpulse.config import Settings
from filmpulse.errors import CatalogueRefused


@pytest.fixture
def shelf():
    with open_shelf() as opened:
        opened.put(hostile_rows())
        yield opened


@pytest.fixture
def context(warehouse_url, tmp_path, shelf, monkeypatch):
    env = {
        "FILMPULSE_WAREHOUSE_URL": warehouse_url,
        "FILMPULSE_LAKE_URL": tmp_path.as_uri(),
        "FILMPULSE_CATALOGUE_URL": shelf.url,
        "FILMPULSE_CATALOGUE_DIR": str(tmp_path / "downloads"),
        "COLUMNS": "80",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return jobs.Context.from_settings(Settings.from_env())


def status():
    result = CliRunner().invoke(app, ["catalogue", "status"])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_newest_try_stands_apart_from_what_readers_see(context, shelf):
    jobs.accept_catalogue("rated", context)
    rows = hostile_rows()
    rows["title.crew"] += lines([["tt99", "nm1", "\\N"]])  # of a title that is not rated
    shelf.put(rows)
    jobs.refresh_catalogue("first", context)
    shelf.put({"title.crew": "tt1\n"})
    with pytest.raises(CatalogueRefused):
        jobs.refresh_catalogue("second", context)
    told = [line for line in status().splitlines() if line.startswith(("dataset", "title", "name"))]
    assert max(map(len, told)) <= 80
    (head,) = [line for line in told if line.startswith("dataset")]
    (crew,) = [line for line in told if line.startswith("title.crew ")]
    count = rows["title.crew"].count("\n")
    assert head.split() == [
        "dataset", "tried", "(UTC)", "state", "shown", "rows", "of", "rows", "shown", "size"
    ]  # fmt: skip
    assert crew.split()[3:6] == ["bad_row", str(count - 1), str(count)]


def test_an_acceptance_for_another_server_is_none(context, monkeypatch):
    assert "accept" in status()
    jobs.accept_catalogue("all", context)
    assert "all titles" in status()
    monkeypatch.setenv("FILMPULSE_CATALOGUE_URL", "https://mirror.example")
    told = " ".join(status().split())
    assert "mirror.example" in told
    assert "all titles" not in told
