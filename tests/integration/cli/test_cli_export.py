"""`filmpulse export`: what it writes and says, and what it refuses."""

import re
import signal
from datetime import UTC, datetime

import pandas as pd
import pytest
from typer.testing import CliRunner

from filmpulse import (
    airflow_bridge,  # noqa: F401 - it logs to the stream of its first import, a test's if later
    cli,
)
from filmpulse.errors import BadInput
from filmpulse.jobs.upkeep import write_tables
from filmpulse.warehouse import Warehouse, figures

MOVIE, OTHER = "tt99000001", "tt99000002"
TABLES = ("reviews", "aspects", "series", "movies")


@pytest.fixture
def call(warehouse_url, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("FILMPULSE_LAKE_URL", (tmp_path / "lake").as_uri())
    with Warehouse(warehouse_url).connect() as connection:
        for imdb_id, count in ((MOVIE, 3), (OTHER, 2)):
            connection.execute(
                "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'A', now())",
                [imdb_id],
            )
            connection.execute(
                "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
                "content_hash, first_seen_at) SELECT 'imdb', %(i)s || n, %(i)s, '=1+1', 'Quinces', "
                "false, 'h', now() FROM generate_series(1, %(n)s) n",
                {"i": imdb_id, "n": count},
            )
    figures.count_all(Warehouse(warehouse_url))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)

    def run(*words):
        return CliRunner().invoke(cli.app, ["export", *words])

    return run


def test_it_writes_into_a_folder_of_today_and_says_what(call, tmp_path):
    before = datetime.now(UTC)
    made = call()
    assert made.exit_code == 0, made.output
    days = {f"{at:%Y-%m-%d}" for at in (before, datetime.now(UTC))}
    (folder,) = (tmp_path / "home").iterdir()
    assert folder.name in {f"filmpulse-export-{day}" for day in days}
    assert str(folder) in made.output
    assert not (tmp_path / "lake").exists()
    for name in TABLES:
        file = folder / f"{name}.parquet"
        rows = len(pd.read_parquet(file))
        assert re.search(rf"{file.name} +{rows} +{file.stat().st_size:,}\b", made.output)
    assert b"Quinces" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_it_writes_what_was_asked_for(call):
    address = f"https://www.imdb.com/title/{OTHER}/"
    made = call(
        "--movie", address, "--movie", MOVIE, "--format", "csv", "--to", "a b", "--with-text"
    )
    assert made.exit_code == 0, made.output
    frame = pd.read_csv("a b/reviews.csv")
    assert frame.imdb_id.value_counts().to_dict() == {MOVIE: 3, OTHER: 2}
    assert set(frame.title) == {"'=1+1"}
    assert set(frame.body) == {"Quinces"}


def test_it_replaces_an_export_only_when_told(call):
    assert call("--to", "x", "--movie", MOVIE).exit_code == 0
    again = call("--to", "x")
    assert isinstance(again.exception, BadInput)
    assert len(pd.read_parquet("x/reviews.parquet")) == 3
    assert call("--to", "x", "--overwrite").exit_code == 0
    assert len(pd.read_parquet("x/reviews.parquet")) == 5


def test_an_interrupted_export_leaves_nothing(call, tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setitem(write_tables.WRITERS, "parquet", interrupt)
    heard = signal.getsignal(signal.SIGINT)
    try:
        assert call().exit_code == 130
    finally:
        signal.signal(signal.SIGINT, heard)  # the command hears no second Ctrl-C
    assert list((tmp_path / "home").iterdir()) == []


def test_a_folder_may_be_named_from_here_or_from_home(call, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for to, there in (
        ("../beside/it", "beside/it"),
        ("~/mine", "home/mine"),
        ("lake2", "home/lake2"),
    ):
        assert call("--to", to).exit_code == 0
        assert (tmp_path / there / "manifest.json").exists()
    assert isinstance(call("--to", "../lake/exports").exception, BadInput)
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("words", "code"), [(["--movie", "Casablanca"], 1), (["--format", "xlsx"], 2)]
)
def test_it_refuses_what_it_cannot_do(call, tmp_path, words, code):
    assert call(*words).exit_code == code
    assert list((tmp_path / "home").iterdir()) == []
