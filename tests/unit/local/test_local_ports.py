"""Ports that are chosen at the same moment by several processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from filmpulse.local import ports

pytestmark = pytest.mark.enable_socket  # bound on this machine; nothing is sent

CHOOSE = """
import sys
from filmpulse.local import ports
ports.FIRST, ports.LAST = int(sys.argv[1]), int(sys.argv[1]) + 1
print(ports.choose(), flush=True)
sys.stdin.read()
"""


BELOW = 18_000
"""Ports of stacks begin here; no other test and no other start takes one below."""


def test_two_processes_never_choose_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "FIRST", BELOW - 2_000)
    monkeypatch.setattr(ports, "LAST", BELOW)
    first = ports.choose()
    ports._claims.pop().close()  # free again, and the only port of the range below
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "LAST", first + 1)
    with subprocess.Popen(
        [sys.executable, "-c", CHOOSE, str(first)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert int(other.stdout.readline()) == first
        assert ports.is_free(first)  # no server listens yet
        with pytest.raises(OSError, match="no free port"):
            ports.choose()
    assert ports.choose() == first


def test_a_process_never_chooses_a_port_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ports.choose()
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "LAST", first + 1)
    with pytest.raises(OSError, match="no free port"):
        ports.choose()
