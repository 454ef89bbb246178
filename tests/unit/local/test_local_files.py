"""Private files are private, whole, and never half-written."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from filmpulse.local.files import last_lines, locked, write_private


def test_private_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["secret.json"]


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["secret.json"]


def test_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log) == ""
    log.write_bytes(b"first\n" * 50_000 + b"\xff broken\nlast\n")
    assert last_lines(log, 2) == "\ufffd broken\nlast"


def test_who_must_wait_for_a_lock_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    told: list[str] = []
    with locked(path, lambda: told.append("nobody holds the lock")):
        pass
    assert told == []
    script = (
        "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"

    def kill_the_holder() -> None:  # the kernel drops its lock
        told.append("wait")
        holder.kill()

    with locked(path, kill_the_holder):
        assert told == ["wait"]
    holder.communicate()
