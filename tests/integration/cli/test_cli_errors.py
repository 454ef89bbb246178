"""Whatever is wrong with settings, files or names: each command ends with a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

# Airflow logs to the stderr that it finds when it is imported: not to one of a test.
import airflow.models  # noqa: F401
import pytest
import typer.main
from sqlalchemy.exc import OperationalError

from filmpulse import jobs
from filmpulse.cli import app, main
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.collections import loaded_movies

PASSWORD = "s3cret-of-a-test"
ENV = {name: value for name, value in os.environ.items() if not name.startswith("FILMPULSE_")}

WRONG_URLS = {
    "scheme": f"http://filmpulse:{PASSWORD}@127.0.0.1:1/filmpulse",
    "port": f"postgresql://filmpulse:{PASSWORD}@127.0.0.1:{{}}/filmpulse",
    "no number": f"postgresql://filmpulse:{PASSWORD}@127.0.0.1:port/filmpulse",
    "no address": PASSWORD,
    "unescaped": f"postgresql://filmpulse:a@{PASSWORD}/x@127.0.0.1:1/filmpulse",
    "percent": f"postgresql://filmpulse:%{PASSWORD}@127.0.0.1:1/filmpulse",
    "option": f"postgresql://filmpulse:{PASSWORD}@127.0.0.1:1/filmpulse?no_such=1",
    "host": f"postgresql://filmpulse:{PASSWORD}@no-such-host.invalid:1/filmpulse",
    "alias": f"postgres://filmpulse:{PASSWORD}@127.0.0.1:1/filmpulse",
}

COMMANDS = {
    "setup": [],
    "doctor": [],
    "search": ["glass orchard"],
    "movies list": [],
    "movies add": ["tt99000001"],
    "movies remove": ["tt99000001"],
    "movies import": ["ids.txt"],
    "movies move": [],
    "events add": ["tt99000001", "2026-11-01", "A festival"],
    "events list": [],
    "events remove": ["tt99000001", "2026-11-01", "A festival"],
    "inbox add": ["page.html"],
    "inbox list": [],
    "inbox load": [],
    "lists list": [],
    "lists show": ["anime"],
    "lists remove": ["anime"],
    "import reviews": ["reviews.csv", "--map", "map.yaml"],
    "collect": ["tt99000001"],
    "analyse": [],
    "evaluate": ["labels.jsonl"],
    "audit": [],
    "rebuild": [],
    "recount": [],
    "forget": ["--movie", "tt99000001", "--yes"],
    "retention": [],
    "export": [],
    "summary": ["tt99000001"],
    "parse": ["page.html"],
    "check-live": ["tt99000001"],
    "backup now": [],
    "backup list": [],
    "backup verify": [],
    "restore": [],
    "recovery-sheet": [],
    "lake verify": [],
    "lake copy": ["--to", "file:///proc/nowhere"],
    "catalogue accept": ["--yes"],
    "catalogue status": [],
    "catalogue refresh": [],
    "catalogue drop": ["--yes"],
}
NEEDS_NO_WAREHOUSE = {
    "evaluate", "inbox list", "recovery-sheet", "lake verify", "lake copy"
}  # fmt: skip

MAP = """source: notebook
rights: my own words
review_id: id
imdb_id: movie
body: text
submitted_on: {{column: day, format: "{format}"}}
"""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    said: str


def names(group, prefix=""):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from names(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_every_command_is_tried_here():
    assert sorted(names(typer.main.get_command(app))) == sorted(COMMANDS)


def _no_table(*args, **more):
    raise OperationalError("INSERT INTO variable", {}, Exception("no such table: variable"))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run one command, in this process and in a folder with a page, a table and its map."""
    (tmp_path / "page.html").write_text("<html><body>Nothing</body></html>", encoding="utf-8")
    (tmp_path / "reviews.csv").write_text(
        "id,movie,text,day\n1,tt99000001,Größe 👩‍🚀,2026-11-01\n", encoding="utf-8"
    )
    (tmp_path / "map.yaml").write_text(MAP.format(format="%Y-%m-%d"), encoding="utf-8")
    (tmp_path / "labels.jsonl").write_text('{"text": "Dull.", "aspects": {}}', encoding="utf-8")
    (tmp_path / "ids.txt").write_text("tt99000001", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "FILMPULSE_LAKE_URL": (tmp_path / "lake").as_uri(),
        "FILMPULSE_AUTHOR_SECRET": "a secret of a test",
        "FILMPULSE_BROWSER_PATH": "/nowhere/chromium",
    }.items():
        monkeypatch.setenv(name, value)
    # Another test of this process may have made Airflow's database: here there is none.
    monkeypatch.setattr("airflow.models.Variable.set", _no_table)
    before = signal.getsignal(signal.SIGTERM)

    def run(*words, **more):
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["filmpulse", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Ended(int(ended.value.code or 0), told.out + told.err)

    yield run
    signal.signal(signal.SIGTERM, before)


def is_a_sentence(ended):
    assert "Traceback" not in ended.said, ended.said
    assert "did not foresee" not in ended.said, ended.said
    assert PASSWORD not in ended.said, ended.said
    return ended.said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_address_of_the_warehouse_is_a_sentence(run, command):
    url = f"postgresql://filmpulse:{PASSWORD}@127.0.0.1:1/filmpulse"
    ended = run(*command.split(), *COMMANDS[command], FILMPULSE_WAREHOUSE_URL=url)
    said = is_a_sentence(ended)
    # 5: the page is not IMDb's.
    expected = {"parse": 5} | dict.fromkeys(NEEDS_NO_WAREHOUSE, 0)
    assert ended.code == expected.get(command, 1), said


@pytest.mark.parametrize("command", ["rebuild", "setup", "import reviews"])
@pytest.mark.parametrize("kind", WRONG_URLS)
def test_every_kind_of_wrong_address_is_a_sentence(run, kind, command):
    url = WRONG_URLS[kind].format(1)
    ended = run(*command.split(), *COMMANDS[command], FILMPULSE_WAREHOUSE_URL=url)
    assert ended.code == 1, is_a_sentence(ended)
    assert is_a_sentence(ended).strip()


def test_a_user_password_or_database_that_is_not_there_is_a_sentence(run, warehouse_url):
    known, name = warehouse_url.rsplit("/", 1)
    _, _, place = known.rpartition("@")
    for url in (
        f"{known}/no_such_database",
        f"postgresql://filmpulse:{PASSWORD}@{place}/{name}",
        f"postgresql://nobody:{PASSWORD}@{place}/{name}",
    ):
        ended = run("rebuild", FILMPULSE_WAREHOUSE_URL=url)
        assert ended.code == 1, is_a_sentence(ended)
        assert is_a_sentence(ended).strip()


def test_the_words_of_libpq_are_an_address_too(warehouse_url):
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    words = make_conninfo(**conninfo_to_dict(warehouse_url))
    assert "://" not in words
    assert loaded_movies(Warehouse(words)) == []


@pytest.mark.parametrize("lake", ["nothing://x", "s3://", "file:///proc/nowhere", "https://[x"])
@pytest.mark.parametrize("command", ["rebuild", "inbox list", "inbox add"])
def test_a_lake_that_cannot_be_is_a_sentence(run, warehouse_url, command, lake):
    ended = run(
        *command.split(), *COMMANDS[command], FILMPULSE_WAREHOUSE_URL=warehouse_url,
        FILMPULSE_LAKE_URL=lake, AWS_EC2_METADATA_DISABLED="true",
    )  # fmt: skip
    assert ended.code in (0, 1), is_a_sentence(ended)
    is_a_sentence(ended)


@pytest.mark.parametrize(
    "pattern",
    ["%Y %Y", "%Y-%m-%d %", "%Y-%m-%d %Q", "%Y-%m", "", "(%Y", "%Y-%m-%d [", "\\\\d%Y%m%d"],
)
def test_a_pattern_of_days_is_read_or_refused(run, warehouse_url, tmp_path, pattern):
    (tmp_path / "map.yaml").write_text(MAP.format(format=pattern), encoding="utf-8")
    ended = run(
        "import", "reviews", "reviews.csv", "--map", "map.yaml", "--dry-run",
        FILMPULSE_WAREHOUSE_URL=warehouse_url,
    )  # fmt: skip
    said = is_a_sentence(ended)
    assert ended.code in (0, 1), said
    if ended.code == 1:
        assert "submitted_on" in said


NAMES = [b"\xc3\xa4rger \xf0\x9f\x98\x80.html", b"b\xffd.html", b"n\xc3\xa4mlich", b"a\nb.csv"]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("there", [True, False])
def test_a_file_of_any_name_is_read_or_refused(warehouse_url, tmp_path, locale, there):
    for name in NAMES if there else ():
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"<html></html>")
    (tmp_path / "reviews.csv").write_text("id,text\n", encoding="utf-8")
    env = ENV | {
        "FILMPULSE_WAREHOUSE_URL": warehouse_url,
        "FILMPULSE_LAKE_URL": (tmp_path / "lake").as_uri(),
        "FILMPULSE_AUTHOR_SECRET": "a secret of a test",
        "LC_ALL": locale,
    }
    env.pop("AIRFLOW_HOME", None)
    for words in (
        ["parse", *NAMES],
        ["inbox", "add", *NAMES],
        ["import", "reviews", NAMES[0], "--map", NAMES[1]],
        ["import", "reviews", "reviews.csv", "--map", NAMES[1]],
    ):
        told = subprocess.run(
            [sys.executable, "-m", "filmpulse.cli", *words],
            cwd=tmp_path, env=env, capture_output=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        ended = Ended(told.returncode, (told.stdout + told.stderr).decode("utf-8", "replace"))
        assert ended.code in (1, 2, 5), is_a_sentence(ended)
        assert is_a_sentence(ended).strip()


def test_a_folder_in_place_of_a_file_is_a_sentence(run, warehouse_url, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for words in (
        ["parse", "folder.csv"],
        ["inbox", "add", "folder.csv", "--map", "map.yaml"],
        ["inbox", "add", "folder.csv"],
        ["import", "reviews", "folder.csv", "--map", "map.yaml"],
        ["import", "reviews", "reviews.csv", "--map", "folder.csv"],
        [
            "import",
            "reviews",
            "reviews.csv",
            "--map",
            "map.yaml",
            "--rejects",
            "no/such/folder.csv",
        ],
    ):
        ended = run(*words, FILMPULSE_WAREHOUSE_URL=warehouse_url)
        said = is_a_sentence(ended)
        if "--rejects" not in words:
            assert ended.code in (1, 2, 5), said


def test_an_error_that_nobody_foresaw_is_a_sentence_too(run, monkeypatch):
    def fall(*given, **more):
        raise RuntimeError(f"it quotes {PASSWORD}")

    monkeypatch.setattr(jobs, "rebuild", fall)
    url = f"postgresql://filmpulse:{PASSWORD}@127.0.0.1:1/filmpulse"
    ended = run("rebuild", FILMPULSE_WAREHOUSE_URL=url)
    assert ended.code == 1
    assert "Traceback" not in ended.said
    assert PASSWORD not in ended.said
    assert "RuntimeError" in ended.said
