"""A part of a cluster without a supervisor, for tests and benchmarks."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Protocol, Self

from filmpulse.local.files import last_lines
from filmpulse.local.supervisor import StackError

PATIENCE = 60  # seconds that a part may take to start


class Part(Protocol):
    """One program of a cluster."""

    def prepare(self) -> None:
        """Write what the program reads; it must not run."""

    def command(self) -> list[str]:
        """Return the command for the foreground; its working directory is `/`."""

    def is_ready(self) -> bool:
        """Say whether the program does its work."""


class Running:
    """A part that runs while the block does.

    Attributes:
        process: The program, or a parent that it replaced.
    """

    process: subprocess.Popen[bytes]

    def __init__(self, part: Part, log: Path, stop: signal.Signals = signal.SIGTERM) -> None:
        """Choose the part, the file for its output, and the signal that ends it at once."""
        self._part, self._log, self._stop = part, log, stop

    def __enter__(self) -> Self:
        """Start, and wait until the part is ready.

        Raises:
            StackError: It ended, or was not ready within a minute.
        """
        self._part.prepare()
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._part.command(), stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        deadline = time.monotonic() + PATIENCE
        while not self._part.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise StackError(f"{self._log.stem} did not start:\n{last_lines(self._log)}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop at once, unless the part ended by itself."""
        if self.process.poll() is None:
            self.process.send_signal(self._stop)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
