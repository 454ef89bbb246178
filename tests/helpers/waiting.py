"""Waiting for a state, for as long as a crowded machine needs."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until a condition holds; pytest's limit on a test's time ends a wait in vain."""
    while not holds():
        time.sleep(0.05)
