"""Shows a person the steps: a moving line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console


class Progress:
    """Reports steps, one line each. The base class reports nothing."""

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show `what` while the block runs, and its duration at the end."""
        yield

    def say(self, what: str) -> None:
        """Show one line."""


SILENT = Progress()


class Lines(Progress):
    """Reports on a console."""

    def __init__(self, console: Console) -> None:
        """Choose the console."""
        self.console = console

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show `what` while the block runs (in a terminal only), and its duration at the end.

        A step that fails ends without a line: its error says more.
        """
        began = time.monotonic()
        with self.console.status(what) if self.console.is_terminal else nullcontext():
            yield
        self.say(f"[green]✓[/green] {what} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def say(self, what: str) -> None:
        """Show one line, rich markup allowed."""
        self.console.print(f"  {what}", highlight=False)
