"""Preparing Superset, as the stack sees it: what fails, what is noted, what is tried again."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from filmpulse.errors import BadInput
from filmpulse.local import StackError, parts, read_stack, stack, superset, sync_dashboards
from filmpulse.local.instance import Install, Instance
from filmpulse.local.progress import Progress
from filmpulse.local.running import Running
from filmpulse.local.stack import has_dashboards_of_now
from filmpulse.local.supervisor import Supervisor

# Choosing ports binds sockets on this machine; nothing is sent.
pytestmark = pytest.mark.enable_socket

IN_THE_WAY = "No dashboard was changed:\ndashboards/pipeline.yaml: slug: is somebody's [red]own"
BROUGHT_IN = "created dashboards/pipeline.yaml\nDashboards: 1 created."


class Heard(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, what: str) -> None:
        self.lines.append(what)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of Superset of which only `prepare.py` does something: what `says` names."""
    made = tmp_path / "superset"
    (made / "tools" / "superset_tools").mkdir(parents=True)
    (made / "tools" / "superset_tools" / "prepare.py").write_text(
        "import pathlib, sys\n"
        "folder = pathlib.Path(__file__).parents[2]\n"
        "(folder / 'ran').open('a').write('.')\n"
        "sys.stderr.write('INFO a log\\n\\nwith an empty line\\n')\n"
        "sys.stderr.flush()\n"
        "code, said = (folder / 'says').read_text().split('|')\n"
        "print('\\n' + said)\n"
        "sys.exit(int(code))\n"
    )
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / ".stamp").touch()
    monkeypatch.setattr(superset, "VENV", venv)
    monkeypatch.setattr(superset, "FOLDER", made)
    monkeypatch.setattr(superset, "PREPARED", ("tools/**/*.py", "assets/**/*"))
    monkeypatch.setattr(superset, "SERVED", ())
    return made


@pytest.fixture
def instance(tmp_path: Path, folder: Path) -> Instance:
    made = Instance.at("demo", tmp_path)
    made.make()
    install = Install.new()
    install.leave_out(["s3"])
    install.choose_ports()
    install.save(made)
    return made


def _running(instance: Instance) -> Running:
    install = Install.load(instance)
    assert install is not None
    return Running(instance, install)


def _says(folder: Path, code: int, said: str) -> None:
    (folder / "says").write_text(f"{code}|{said}")


def _runs(folder: Path) -> int:
    return len((folder / "ran").read_text()) if (folder / "ran").exists() else 0


def test_what_is_in_the_way_is_told_and_tried_again(instance: Instance, folder: Path) -> None:
    _says(folder, superset.UNSYNCED, IN_THE_WAY)
    for number in (1, 2):
        heard = Heard()
        _running(instance).renew_dashboards({}, heard)
        assert heard.lines == [f"[yellow]![/yellow] {IN_THE_WAY.replace('[', chr(92) + '[')}"]
        assert _runs(folder) == number
        assert not has_dashboards_of_now(instance.dir)
    assert read_stack(instance.dir).urls["superset"], "it runs all the same"
    _says(folder, 0, BROUGHT_IN)
    for _ in range(2):
        heard = Heard()
        _running(instance).renew_dashboards({}, heard)
        assert heard.lines == []
        assert _runs(folder) == 3
        assert has_dashboards_of_now(instance.dir)


def test_any_other_failure_is_one(instance: Instance, folder: Path) -> None:
    _says(folder, 1, "no such database")
    with pytest.raises(StackError, match="no such database"):
        _running(instance).renew_dashboards({}, Progress())
    assert not has_dashboards_of_now(instance.dir)


def _states(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    states = {"superset": {"statename": state}}
    monkeypatch.setattr(Supervisor, "states", lambda self: states)


def test_a_sync_is_noted_and_done_though_it_was(
    instance: Instance, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _states(monkeypatch, "RUNNING")
    held: list[Path] = []
    lock = stack.locked

    @contextmanager
    def watched(path: Path) -> Any:
        with lock(path):
            held.append(path)
            yield

    monkeypatch.setattr(stack, "locked", watched)
    _says(folder, 0, BROUGHT_IN)
    for number in (1, 2):
        assert sync_dashboards("demo", instance.dir.parent) == BROUGHT_IN
        assert _runs(folder) == number
        assert has_dashboards_of_now(instance.dir)
        assert held == [instance.dir / "lock"] * number
    _running(instance).renew_dashboards({}, Progress())
    assert _runs(folder) == 2, "the next start has nothing to prepare"
    _says(folder, superset.UNSYNCED, IN_THE_WAY)
    with pytest.raises(StackError, match=r"slug: is somebody's \[red\]own"):
        sync_dashboards("demo", instance.dir.parent)
    assert not has_dashboards_of_now(instance.dir)


def test_a_sync_of_what_does_not_run_says_so(
    instance: Instance, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _states(monkeypatch, "STOPPED")
    with pytest.raises(BadInput, match="Superset of demo does not run"):
        sync_dashboards("demo", instance.dir.parent)
    install = Install.load(instance)
    assert install is not None
    install.leave_out(["s3", "superset"])
    install.save(instance)
    with pytest.raises(BadInput, match="demo has no Superset: WITHOUT says so"):
        sync_dashboards("demo", instance.dir.parent)
    with pytest.raises(BadInput, match="no instance in"):
        sync_dashboards("nobody", instance.dir.parent)
    assert _runs(folder) == 0


def test_a_log_in_that_was_never_made_is_not_shown(instance: Instance, folder: Path) -> None:
    path = instance.dir / "install.json"
    old = json.loads(path.read_text())
    del old["ports"]["superset"]
    for name in ("db", "key", "admin", "guest", "backup"):
        del old["secrets"][f"superset_{name}"]
    path.write_text(json.dumps(old))
    seen = read_stack(instance.dir)
    assert (seen.urls["superset"], seen.superset_env, seen.superset_passwords) == (None, {}, {})
    assert seen.left_out["superset"] == "it was never started: `make up`"
    assert seen == read_stack(instance.dir), "nothing in it is made up anew"


def test_a_start_whose_demo_fails_is_whole(
    instance: Instance, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    running = _running(instance)
    for name in (
        "prepare",
        "is_ready",
        "add_owner",
        "add_reader",
        "add_database",
        "close_database",
    ):
        monkeypatch.setattr(parts.postgres.Server, name, lambda *_: True)
    monkeypatch.setattr(running.supervisor, "start", lambda *_: None)
    monkeypatch.setattr(running, "_run", lambda *parts: None)
    monkeypatch.setattr(running, "_wait", lambda part: done.append(part.title))
    monkeypatch.setattr(running, "_migrate_airflow", lambda *_: None)
    monkeypatch.setattr(running, "_set_up", lambda *_: None)
    _says(folder, 0, BROUGHT_IN)

    def fail(_: Any) -> None:
        assert "Superset" not in done
        raise RuntimeError("the collection failed")

    with pytest.raises(RuntimeError, match="the collection failed"):
        running.start({}, Progress(), fail)
    assert done[-1] == "Superset"
    install = Install.load(instance)
    assert install is not None
    assert install.done["start"] == running._fingerprint()
