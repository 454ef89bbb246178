"""How many requests an endpoint allows a minute, as its answers say, and how many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

BURST_SECONDS = 1.0
"""For how long an unused rate is saved: short, since others may share the key."""

SLOWER, FASTER = 0.7, 0.005
"""A refusal multiplies the pace by the first; each answer gives back the second, as a share of the
limit. Down by a share and up by an amount, workers that know nothing of each other come to equal
paces (Chiu and Jain, 1989)."""

GIVEN_BACK = 0.05
"""How much of a slot each answer gives back, after a late one took half of the slots."""


class _Bucket:
    """A limit per minute; its level may go below zero by one request.

    What flows in during a minute and what was saved before are together the limit: no window of 60
    seconds ever sees more, however the endpoint counts.
    """

    def __init__(self, per_minute: float, now: float) -> None:
        self.per_minute = per_minute
        self.share = 1.0
        self.level = self.capacity
        self._filled_at = now

    @property
    def rate(self) -> float:
        return max(1.0, self.per_minute * self.share) / (60 + BURST_SECONDS)

    @property
    def capacity(self) -> float:
        return max(1.0, self.rate * BURST_SECONDS)

    def fill(self, now: float) -> None:
        self.level = min(self.capacity, self.level + (now - self._filled_at) * self.rate)
        self._filled_at = now

    def wait_for(self, amount: float) -> float:
        """Return the seconds until the level is `amount`, or the capacity if that is less."""
        missing = min(amount, self.capacity) - self.level
        # Ignore what is missing by rounding: the clock could not show so short a wait.
        return missing / self.rate if missing > 1e-9 * self.capacity else 0.0


class Limiter:
    """Lets requests through, in the order in which they came, as fast as the limits allow."""

    def __init__(
        self,
        requests_per_minute: float,
        tokens_per_minute: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Start with our own limits, which those of the endpoint can only make smaller.

        Tokens are those of questions and of room for answers. `sleep` waits for seconds of `clock`.
        """
        self._clock, self._sleep = clock, sleep
        self._most = {"requests": requests_per_minute, "tokens": tokens_per_minute}
        self._buckets = {kind: _Bucket(most, clock()) for kind, most in self._most.items()}
        self._paused_until = clock()
        self._may_slow_down = False
        self._turn = asyncio.Lock()

    async def take(self, tokens: int) -> None:
        """Wait until one more request, of so many tokens, may be sent."""
        async with self._turn:
            while (wait := self._wait(tokens)) > 0:
                await self._sleep(wait)
            self._buckets["requests"].level -= 1
            self._buckets["tokens"].level -= tokens

    def give_back(self, tokens: int) -> None:
        """Take back a request that was not sent after all."""
        self._buckets["requests"].level += 1
        self._buckets["tokens"].level += tokens

    def _wait(self, tokens: int) -> float:
        self._fill()
        return max(
            self._paused_until - self._clock(),
            self._buckets["requests"].wait_for(1),
            self._buckets["tokens"].wait_for(tokens),
        )

    def _fill(self) -> None:
        now = self._clock()
        for bucket in self._buckets.values():
            bucket.fill(now)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Apply what an answer's `x-ratelimit-*` headers say of the limits and of what is left.

        What is left also shows what other workers of the same key used. Headers that are missing or
        make no sense change nothing. `reset` is not needed: what is left, and the limit, give the
        time until the next request.
        """
        self._fill()
        for kind, bucket in self._buckets.items():
            limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
            if limit is not None and limit > 0:
                bucket.per_minute = min(self._most[kind], limit)
            left = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
            if left is not None:
                bucket.level = min(bucket.level, left, bucket.capacity)

    def accepted(self) -> None:
        """Note that a request was let in."""
        self._may_slow_down = True
        self._fill()
        for bucket in self._buckets.values():
            bucket.share = min(1.0, bucket.share + FASTER)

    def refused(self, seconds: float) -> None:
        """Let nothing through for so long, and be slower then; a longer pause stays as it is.

        Refusals that come together slow the pace down once. A refusal before any answer says
        nothing of the pace.
        """
        self._fill()
        self._paused_until = max(self._paused_until, self._clock() + seconds)
        if self._may_slow_down:
            self._may_slow_down = False
            for bucket in self._buckets.values():
                bucket.share *= SLOWER


class Slots:
    """How many requests may be under way at once: one at first, half as many after each late one.

    An endpoint that reads one review after another answers too late if it gets many at once, and
    may bill answers that nobody waited for.
    """

    def __init__(self, most: int) -> None:
        """Begin with one slot; there may be `most` of them."""
        self._most, self._limit = most, 1.0
        self._given = 1
        self._free = asyncio.Semaphore(1)

    @property
    def is_one(self) -> bool:
        """Whether requests go one after another."""
        return self._limit < 2

    async def __aenter__(self) -> None:
        """Wait for a slot, first come, first served."""
        await self._free.acquire()

    async def __aexit__(self, *_: object) -> None:
        """Give the slot back, or up if there are too many."""
        if self._given > int(self._limit):
            self._given -= 1
        else:
            self._free.release()

    def open(self) -> None:
        """Allow as many as there may be."""
        self._widen(self._most)

    def answered(self) -> None:
        """Allow a little more."""
        self._widen(GIVEN_BACK)

    def _widen(self, by: float) -> None:
        self._limit = min(self._most, self._limit + by)
        while self._given < int(self._limit):
            self._given += 1
            self._free.release()

    async def late(self) -> None:
        """Take half of the slots away: free ones now, others when they become free."""
        self._limit = max(1.0, self._limit / 2)
        while self._given > int(self._limit) and not self._free.locked():
            await self._free.acquire()
            self._given -= 1


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e12 else None
