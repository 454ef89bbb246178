"""`filmpulse backup`, `restore`, `lake` and `recovery-sheet` as a person types them."""

import shlex
import subprocess
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from filmpulse import (
    airflow_bridge,  # noqa: F401 - it logs to the stream of its first import, a test's if later
    cli,
    jobs,
)
from filmpulse.config import Settings
from filmpulse.warehouse import Warehouse


@pytest.fixture
def env(warehouse_url, s3, tmp_path):
    return {
        "FILMPULSE_WAREHOUSE_URL": warehouse_url,
        "FILMPULSE_LAKE_URL": (tmp_path / "lake").as_uri(),
        "FILMPULSE_AUTHOR_SECRET": 'it\'s "quoted" $HOME',
        "FILMPULSE_BACKUP_URL": f"s3://filmpulse/{uuid4()}",
        "FILMPULSE_BACKUP_ENDPOINT_URL": s3.url,
        "FILMPULSE_BACKUP_KEY": s3.key,
        "FILMPULSE_BACKUP_SECRET": s3.secret,
        "FILMPULSE_IMDB_URL": "http://127.0.0.1:1",
    }


@pytest.fixture
def run(env, monkeypatch):
    """Run a command without an Airflow at hand."""
    monkeypatch.delenv("AIRFLOW_HOME")
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    def run(*words, answer=None):
        return CliRunner().invoke(cli.app, words, input=answer)

    return run


def add_movie(url):
    with Warehouse(url).connect() as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) "
            "VALUES ('tt99000001', 'The Glass Orchard', now())"
        )


def movies(url):
    with Warehouse(url).connect() as connection:
        return connection.execute("SELECT imdb_id FROM core.movies").fetchall()


def test_there_and_back(run, env, databases):
    assert "No complete backup" in run("backup", "list").output
    add_movie(env["FILMPULSE_WAREHOUSE_URL"])
    made = run("backup", "now")
    assert made.exit_code == 0, made.output
    backup_id = made.output.split()[made.output.split().index("holds") - 1]
    assert "AIRFLOW_HOME" in made.output
    assert backup_id in run("backup", "list").output
    assert run("backup", "verify", backup_id).exit_code == 0
    assert run("backup", "verify", "yesterday").exit_code == 1

    url = databases.create()
    try:
        back = run("restore", "--backup", backup_id, "--into", url)
        assert back.exit_code == 0, back.output
        assert movies(url) == [{"imdb_id": "tt99000001"}]
        assert run("restore", "--into", url).exit_code == 1
        assert run("restore", "--into", url, "--replace", answer="n\n").exit_code == 1
        assert run("restore", "--into", url, "--replace", "--yes").exit_code == 0
    finally:
        databases.drop(url)


def test_nothing_secret_is_said(run, env, s3):
    made = run("backup", "now")
    told = "".join(run("backup", word).output for word in ("list", "verify")) + made.output
    assert made.exit_code == 0
    assert s3.secret not in told
    assert s3.key not in told


def test_the_sheet_gives_a_shell_the_same_settings(run, env):
    sheet = run("recovery-sheet").output
    names = [name for name in env if name != "FILMPULSE_WAREHOUSE_URL"]
    asked = " ".join(f'"${name}"' for name in names)
    script = f"{sheet}\nprintf '%s\\n' {asked}"
    shell = subprocess.run(
        ["bash", "-c", script], env={}, capture_output=True, text=True, check=True
    )
    assert dict(zip(names, shell.stdout.splitlines(), strict=True)) == {n: env[n] for n in names}
    assert env["FILMPULSE_WAREHOUSE_URL"] not in sheet


def test_the_sheet_names_the_account_of_the_lake_where_the_backups_have_none():
    settings = Settings(
        lake_url="s3://a/lake", lake_key="k", lake_secret="s 1",
        lake_endpoint_url="http://127.0.0.1:2", backup_url="s3://a/b",
    )  # fmt: skip
    lines = dict(
        line.removeprefix("export ").split("=", 1)
        for line in jobs.recovery_sheet(settings).splitlines()
        if line.startswith("export ")
    )
    assert lines["FILMPULSE_BACKUP_KEY"] == "k"
    assert lines["FILMPULSE_BACKUP_SECRET"] == shlex.quote("s 1")
    assert lines["FILMPULSE_BACKUP_ENDPOINT_URL"] == "http://127.0.0.1:2"


def test_the_lake_is_verified_and_copied(run, tmp_path):
    assert run("lake", "verify").exit_code == 0
    copied = run("lake", "copy", "--to", (tmp_path / "copy").as_uri())
    assert copied.exit_code == 0, copied.output
    assert run("lake", "copy", "--to", (tmp_path / "lake").as_uri()).exit_code == 1
    assert run("lake", "copy").exit_code == 1
    both = ("--to", (tmp_path / "a").as_uri(), "--from", (tmp_path / "b").as_uri())
    assert run("lake", "copy", *both).exit_code == 1
