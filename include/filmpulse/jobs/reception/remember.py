"""Remember answers for a time, so that a site is asked once and not by each of several threads."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Remembered(Generic[Answer]):
    """The latest answers by key, at most `most`; of one process.

    Threads that ask for the same key at once wait for the first of them. An error is told to all
    that wait, and is not remembered.
    """

    def __init__(self, seconds: Callable[[Answer], float], most: int = 500) -> None:
        """Keep for how long an answer counts; 0 forgets it at once."""
        self._seconds, self._most = seconds, most
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()
        self._asked: dict[Hashable, Future[Answer]] = {}

    def get(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        """Return the answer for a key; `ask` is called if none counts any more."""
        with self._lock:
            until, answer = self._known.get(key, (0.0, None))
            if answer is not None and time.monotonic() < until:
                return answer
            future, is_mine = self._asked.get(key), False
            if future is None:
                future, is_mine = self._asked.setdefault(key, Future()), True
        if not is_mine:
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
