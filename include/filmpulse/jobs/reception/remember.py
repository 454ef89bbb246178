"""Remember answers for a time, so that a site is asked once and not by each of several threads."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Generic, TypeVar

WAIT_SECONDS = 30.0
"""How long a question of a page waits for its turn at a site; a person waits no longer."""
MOST_AT_ONCE = 4
"""Questions under way in a process: each holds one of the web server's 40 threads."""
BUSY = "The site is busy with other questions: try again in a minute."

_turns = threading.BoundedSemaphore(MOST_AT_ONCE)

Answer = TypeVar("Answer")


class TooBusy(Exception):
    """Too many questions are under way, or another's took too long."""


@contextmanager
def _turn() -> Iterator[None]:
    """Be one of the few questions that are under way; raise `TooBusy` if there are enough."""
    if not _turns.acquire(blocking=False):
        raise TooBusy
    try:
        yield
    finally:
        _turns.release()


class Remembered(Generic[Answer]):
    """The latest answers by key, at most `most`; of one process.

    Threads that ask for the same key at once wait for the first of them, `WAIT_SECONDS` at most. An
    error is told to all that wait, and is not remembered. At most `MOST_AT_ONCE` questions of all
    such objects are under way.
    """

    def __init__(self, seconds: Callable[[Answer], float], most: int = 500) -> None:
        """Keep for how long an answer counts; 0 forgets it at once."""
        self._seconds, self._most = seconds, most
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()
        self._asked: dict[Hashable, Future[Answer]] = {}

    def get(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        """Return the answer for a key; `ask` is called if none counts any more.

        Raises:
            TooBusy: There is no answer yet, and no more threads may wait for one.
        """
        with self._lock:
            answer = self._recall(key)
        if answer is not None:
            return answer
        with _turn():
            return self._find_out(key, ask)

    def _recall(self, key: Hashable) -> Answer | None:
        until, answer = self._known.get(key, (0.0, None))
        return answer if time.monotonic() < until else None

    def _find_out(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        """Ask, or wait for the thread that asks already."""
        with self._lock:
            answer = self._recall(key)
            if answer is not None:  # since a moment
                return answer
            is_mine = key not in self._asked
            future = self._asked.setdefault(key, Future())
        if not is_mine:
            if not wait([future], WAIT_SECONDS).done:
                raise TooBusy
            return future.result()
        try:
            made = ask()
        except BaseException as error:
            self._end(key)
            future.set_exception(error)
            raise
        self._end(key, made)
        future.set_result(made)
        return made

    def _end(self, key: Hashable, answer: Answer | None = None) -> None:
        with self._lock:
            del self._asked[key]
            self._known.pop(key, None)
            if answer is not None and (seconds := self._seconds(answer)) > 0:
                self._known[key] = time.monotonic() + seconds, answer
                while len(self._known) > self._most:
                    self._known.popitem(last=False)

    def forget(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._known.clear()
