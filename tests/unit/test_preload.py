"""What the scheduler imports for its tasks is there, and fit to be forked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from filmpulse.preload import preload

CHECK = """
import socket, sys, threading
opened = []
sys.addaudithook(lambda event, args: opened.append(args) if event == "socket.connect" else None)
from filmpulse.preload import MODULES, preload
preload()
print([name for name in MODULES if name not in sys.modules])
print(threading.active_count(), opened)
before = set(sys.modules)
from filmpulse import airflow_bridge, jobs
from filmpulse.analysis import make_analyser
from filmpulse.analysis.language import detect_language
from filmpulse.lake import Lake
from filmpulse.sources.browser import Browser
make_analyser("lexicon"), detect_language("The film is long."), Browser(base_url="http://x")
Lake("s3://none/lake", {"key": "k", "secret": "s"})
print(len({name.partition(".")[0] for name in set(sys.modules) - before}))
print(sorted(name for name in set(sys.modules) - before if name.startswith("filmpulse")))
"""


def run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_everything_is_there_and_nothing_is_started(tmp_path: Path) -> None:
    missing, started, libraries, ours = run("-c", CHECK).splitlines()[-4:]
    assert missing == "[]"
    assert started == "1 []"
    assert int(libraries) < 10  # what jobs import beyond: a handful of small ones
    assert ours == "[]"


def test_a_module_that_is_not_installed_is_left_out() -> None:
    preload(["filmpulse_no_such_module", "json"])


def test_what_is_run_finds_its_own_arguments(tmp_path: Path) -> None:
    (tmp_path / "shown.py").write_text("import sys; print(__name__, sys.argv[1:])")
    script = (
        "import runpy, sys, filmpulse.preload as p; p.MODULES = (); "
        f"sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['x', 'shown', 'a', '-b']; "
        "runpy.run_module('filmpulse.preload', run_name='__main__')"
    )
    assert run("-c", script).splitlines()[-1] == "__main__ ['a', '-b']"
