"""The model as an analyser: many requests at once, each text sent and paid for once."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, NoReturn, ParamSpec, TypeVar

from filmpulse.analysis.llm.answers import InvalidAnswer, read_answer
from filmpulse.analysis.llm.client import REFUSALS, Client, Reply, preflight
from filmpulse.analysis.llm.excerpt import excerpt
from filmpulse.analysis.llm.keys import key_of
from filmpulse.analysis.llm.ledger import Ledger
from filmpulse.analysis.llm.pace import Limiter, Slots
from filmpulse.analysis.llm.prices import (
    Price,
    most_input_tokens,
    overhead_characters,
    price_for,
    tokens_of,
)
from filmpulse.analysis.llm.prompt import (
    MAX_OUTPUT_TOKENS,
    clip,
    messages,
    new_boundary,
    prompt_version,
)
from filmpulse.analysis.llm.providers import Provider, provider_for
from filmpulse.config import Settings
from filmpulse.errors import FilmpulseError, LlmRefused, LlmUnavailable
from filmpulse.items import Analysis, Call, CallOutcome, Reading, ReviewText

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 6
"""Requests for one text in one run."""

MAX_FAILURES = 5
"""Texts that fail one after another before the run gives the endpoint up."""

MAX_LATE = MAX_ATTEMPTS + 2
"""Requests that are late one after another, each sent alone, before the run gives the endpoint up.

More than one text can cause: one text alone may be too much for a model.
"""

MAX_WAIT_SECONDS = 120.0
"""The longest wait that an endpoint may ask for; for a longer one the task ends and is retried."""

MAX_UNUSABLE, FIRST_ANSWERS = 10, 20
"""A run stops after so many unusable answers in a row, or if most of its first ones were unusable.

Each is paid for and brings nothing, so the model, or the way of asking, must be wrong.
"""

FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.5, 30.0
LEASED_POLL_SECONDS = 1.0

QUICK_SECONDS = 10.0
"""How long requests that are under way may still take once the caller stops."""

_GONE = Reading(status="failed")
"""The reading of a text that was erased meanwhile; nobody keeps it, as its review is gone too."""

_FINAL: frozenset[CallOutcome] = frozenset({"refused", "content_filter", "truncated", "invalid"})
_DECLINED: frozenset[CallOutcome] = REFUSALS | {"rate_limited", "unavailable", "rejected"}
"""Outcomes by which the endpoint did not let the request in, even if its status was 200."""
UNUSABLE: frozenset[CallOutcome] = frozenset({"truncated", "invalid"})
"""Answers that cannot be read. A refusal is none of them: it says something of its review."""
ANSWERS = _FINAL | {"scored"}
_AGAIN: frozenset[CallOutcome] = frozenset(
    {"rate_limited", "unavailable", "timeout", "disconnected", "malformed"}
)


class LlmAnalyser:
    """Scores texts by a model behind an OpenAI-compatible endpoint.

    Final statuses are scored, refused (by the model, or by an endpoint that answered for others),
    content_filter, truncated and invalid. The next run takes up `failed` and `over_budget` again.
    A text without any words is `unsupported_language`, and is never sent. Of a longer text only the
    first 20,000 characters are sent.
    """

    kind = "llm"

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        """Keep the endpoint and the ledger; nothing is sent yet.

        Raises:
            BadInput: The settings cannot be used, or the model's price is not known.
        """
        self._settings, self._ledger = settings, ledger
        self._provider = provider_for(settings)
        self._price = price_for(settings, self._provider)
        self.model = settings.llm_model
        self.prompt_version = prompt_version()
        self.parameters: dict[str, str | int | float | bool | None] = {
            "base_url": self._provider.address,
            "reasoning_effort": self._provider.effort(settings),
            "temperature": settings.llm_temperature,
        }
        if (answer_format := self._provider.other_format(settings)) is not None:
            self.parameters["answer_format"] = answer_format

    def analyse(self, texts: Iterable[ReviewText]) -> Iterator[Analysis]:
        """Score texts as answers come in; see `Analyser.analyse`.

        Texts are taken from the iterator as requests become free, so the number of requests bounds
        the memory. Whatever ends the run, requests that are under way are finished, booked and
        yielded, since they are paid for. Only if the caller stops early (or is interrupted) they
        must be quick: late ones are given up, and their texts are free when their leases end.

        Raises:
            LlmRefused: The endpoint refuses key, model or account, or every request; it is no API;
                or most answers of the run cannot be used.
            LlmUnavailable: The endpoint fails text after text, or asks for a wait of more than two
                minutes.
            BadInput: The settings cannot be used.
        """
        source = iter(texts)
        first = next(source, None)
        if first is None:
            return
        source = chain([first], source)
        # Some texts only wait for other workers, so more texts are in hand than requests.
        room, in_hand = 2 * self._settings.llm_concurrency, 0
        with _Loop() as loop:
            run = _Run(self._settings, self._ledger, self._provider, self._price)
            try:
                while True:
                    taken = list(islice(source, room - in_hand))
                    found = loop.do(run.gather(taken))
                    if not found:
                        return
                    in_hand += len(taken) - len(found)
                    yield from found
            finally:
                loop.do(run.close())


class _Loop:
    """An event loop in its own thread, which goes on while the caller is busy.

    Otherwise, if the caller took long to store an answer, requests that were answered long ago
    would time out, and would be paid for twice.
    """

    def __enter__(self) -> _Loop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="llm", daemon=True)
        self._thread.start()
        return self

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop to its end, or until the caller is interrupted."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def __exit__(self, *_: object) -> None:
        self.do(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Ended(Exception):
    """Ends the work on a text when the run has to stop."""


@dataclass
class _Question:
    """One text on its way: what is sent of it, and how its requests went so far."""

    key: str
    text: ReviewText
    sent: str
    asked: list[dict[str, str]]
    room: int = MAX_OUTPUT_TOKENS
    after: int | None = None
    attempt: int = 0
    was_shapeless: bool = False
    patience: float | None = None
    spent: dict[str, Any] = field(default_factory=dict)

    def pay(self, call: Call) -> None:
        """Add up what all requests for the text cost, as far as one of them says so."""
        for name in ("input_tokens", "output_tokens", "cost_usd"):
            said = getattr(call, name)
            if said is not None:
                self.spent[name] = self.spent.get(name, 0) + said


class _End(NamedTuple):
    """How a request ended, the final answer that the ledger holds now, and if it is repeated."""

    reply: Reply
    call: Call
    reading: Reading | None
    goes_on: bool


def _question(key: str, text: ReviewText) -> _Question:
    sent = clip(text.text)
    if len(sent) < len(text.text):
        told = "Of the review %s the first %d of %d characters are sent."
        log.info(told, text.review_id, len(sent), len(text.text))
    return _Question(key, text, sent, messages(sent, new_boundary(sent)))


class _Run:
    """One round of scoring; its coroutines run inside one event loop."""

    def __init__(
        self, settings: Settings, ledger: Ledger, provider: Provider, price: Price
    ) -> None:
        self._settings, self._ledger = settings, ledger
        self._provider, self._price = provider, price
        self._client = Client(settings, provider, price)
        self._limiter = Limiter(
            settings.llm_requests_per_minute, settings.llm_tokens_per_minute, sleep=self._pause
        )
        self._lease_seconds = 2 * settings.llm_timeout_seconds + 30
        # The ledger is one connection, and may have to wait for other workers: it has a thread.
        self._clerk = ThreadPoolExecutor(1, "llm-ledger")
        # The first request goes alone: what it says of limits and key is true of the others too.
        self._slots = Slots(settings.llm_concurrency)
        self._is_open = self._has_looked_ahead = self._has_answered = False
        self._late = 0
        self._turn = asyncio.Lock()
        self._under_way = 0
        self._booked = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stop: FilmpulseError | None = None
        self._is_over_budget = False
        self._failures: list[CallOutcome] = []
        self._told: set[str] = set()
        self._tasks: dict[asyncio.Task[Reading], _Question] = {}
        self._waiting: defaultdict[str, list[ReviewText]] = defaultdict(list)
        self._ready: list[Analysis] = []

    def _put(self, text: ReviewText) -> None:
        """Take up one text; if its words are already being asked about, it shares that answer."""
        if not text.text.strip():
            self._ready.append(_analysis(text, Reading(status="unsupported_language")))
            return
        key = key_of(text.text, self._settings, self._provider)
        self._waiting[key].append(text)
        if len(self._waiting[key]) == 1:
            question = _question(key, text)
            self._tasks[asyncio.create_task(self._score(question))] = question

    async def gather(self, texts: list[ReviewText]) -> list[Analysis]:
        """Take up texts, and return what is finished; empty only when everything is finished.

        Raises:
            FilmpulseError: What stopped the run, once everything under way was returned.
        """
        for text in texts:
            if not self._stopping.is_set():
                self._put(text)
        while not self._ready and self._tasks:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._take(task)
        if not self._ready and self._stop:
            raise self._stop
        found, self._ready = self._ready, []
        return found

    def _take(self, task: asyncio.Task[Reading]) -> None:
        question = self._tasks.pop(task)
        first, *others = self._waiting.pop(question.key)
        error = task.exception()
        if error is None:
            self._ready.append(_analysis(first, task.result(), question.spent))
            self._ready += [_analysis(text, task.result()) for text in others]
        elif not isinstance(error, _Ended):
            raise error

    def _stop_for(self, error: FilmpulseError) -> None:
        """Let nothing more be sent; of several reasons the first counts."""
        self._stop = self._stop or error
        self._stopping.set()

    def _end(self, error: FilmpulseError) -> NoReturn:
        """Stop the run for this reason, and the work on this text with it."""
        self._stop_for(error)
        raise _Ended

    async def close(self) -> None:
        """Finish what is under way if that is quick, give up the rest, and close everything."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=QUICK_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()
        self._clerk.shutdown()

    async def _ledger_do(self, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._clerk, partial(work, *args, **more))

    async def _score(self, question: _Question) -> Reading:
        """Get one text's reading: from the ledger, or by as many requests as it needs."""
        while True:
            async with self._slots:
                began = await self._begin(question)
                end = await self._send(question, began) if isinstance(began, int) else None
            if isinstance(began, Reading):
                return began
            if end is not None:
                reading = await self._follow(question, end)
            else:
                reading = await self._wait_for_others(question)
            if reading is not None:
                return reading

    async def _send(self, question: _Question, call_id: int) -> _End:
        """Send one request about a text, and book how it ended."""
        try:
            reply = await self._ask(question.asked, question.room)
            call, reading = _read(reply, question.sent)
            is_short = call.outcome == "truncated" and question.room == MAX_OUTPUT_TOKENS
            is_shapeless = call.outcome == "malformed" and call.cost_usd is not None
            if is_short:
                reading = None
            elif is_shapeless and question.was_shapeless:
                reading = Reading(status="invalid")  # paid for twice is enough
            elif reading is None and not reply.is_repeatable and self._is_about(call):
                reading = Reading(status="refused")
            question.was_shapeless |= is_shapeless
            question.attempt += not reply.is_repeatable
            is_last = question.attempt == MAX_ATTEMPTS or self._stopping.is_set()
            is_open = is_short or reply.is_repeatable or call.outcome in _AGAIN
            goes_on = reading is None and is_open and not is_last
            reading = await self._ledger_do(
                self._ledger.end, call_id, call, reading, keeps_lease=goes_on
            )
            await self._give_up_on_useless_answers(reply, call, question.sent)
        finally:
            self._under_way -= 1
            self._booked.set()
        question.after = call_id
        question.pay(call)
        return _End(reply, call, reading, goes_on)

    async def _follow(self, question: _Question, end: _End) -> Reading | None:
        """Return the reading of a text after a request, or None once it may be sent again."""
        call = end.call
        if call.outcome in ANSWERS and end.reading is not None:
            self._failures.clear()
            self._has_answered = self._has_answered or call.http_status == HTTPStatus.OK
            return end.reading
        if call.sentence:
            self._tell(call.sentence)
        self._heed(end.reply)
        if not end.goes_on:
            self._fail(call)
            return end.reading or Reading(status="failed")
        if call.outcome == "truncated":
            question.room = 2 * MAX_OUTPUT_TOKENS
        elif not end.reply.is_repeatable:
            await self._back_off(question.attempt, end.reply)
        return None

    async def _wait_for_others(self, question: _Question) -> Reading | None:
        """Wait a little for the worker that holds a text; give the text up after too long."""
        question.patience = question.patience or _now() + 2 * self._lease_seconds
        self._tell(
            "Another worker has taken some of these texts, or was killed with them under "
            f"way; up to {self._lease_seconds:,.0f} s may pass until they are free."
        )
        if _now() > question.patience:
            return Reading(status="failed")
        await self._pause(LEASED_POLL_SECONDS)
        return None

    async def _begin(self, question: _Question) -> int | Reading | Literal["leased"]:
        """Wait for limits and money; return the call's number, the reading, or "leased"."""
        key, sent, room = question.key, question.sent, question.room
        tier = self._settings.llm_service_tier
        most_usd = self._price.most(most_input_tokens(sent), room, tier)
        tokens = tokens_of(len(sent) + overhead_characters()) + room
        if known := (await self._ledger_do(self._ledger.find, [key])).get(key):
            return known
        async with self._turn:
            while not self._is_over_budget:
                self._go_on()
                await self._look_ahead()
                await self._limiter.take(tokens)
                self._booked.clear()
                try:
                    began = await self._ledger_do(
                        self._ledger.begin,
                        key,
                        question.text,
                        most_usd=most_usd,
                        lease_seconds=self._lease_seconds,
                        after=question.after,
                    )
                except LlmRefused as error:
                    self._end(error)
                if isinstance(began, int):
                    self._under_way += 1
                    return began
                self._limiter.give_back(tokens)
                if began == "leased":
                    return began
                if began == "answered":
                    known = (await self._ledger_do(self._ledger.find, [key])).get(key)
                    return known or _GONE
                if began == "erased":
                    return _GONE
                if self._under_way or self._booked.is_set():
                    # Requests under way cost less than what is set aside for them.
                    await self._booked.wait()
                else:
                    self._is_over_budget = True
        return Reading(status="over_budget")

    async def _look_ahead(self) -> None:
        """Check the endpoint before the first request of the run."""
        if self._has_looked_ahead:
            return
        self._has_looked_ahead = True
        try:
            warnings = await asyncio.to_thread(preflight, self._settings)
        except FilmpulseError as error:
            self._end(error)
        for warning in warnings:
            log.warning(warning)

    async def _ask(self, asked: list[dict[str, str]], room: int) -> Reply:
        """Send one request, and apply what its answer says of the limits to all."""
        is_alone = self._slots.is_one
        reply = await self._client.ask(asked, room)
        self._limiter.learn(reply.headers)
        if reply.is_late:
            await self._slots.late()
            self._late += is_alone
            return reply
        self._late = 0
        if reply.call.http_status == HTTPStatus.OK and reply.call.outcome not in _DECLINED:
            self._limiter.accepted()
            self._slots.answered()
        # Until the endpoint knows the request's form, each way of asking costs one request.
        if not self._is_open and not reply.is_repeatable:
            self._is_open = True
            self._slots.open()
        return reply

    def _is_about(self, call: Call) -> bool:
        """Tell whether a rejection is about its text, since the endpoint answered others."""
        is_going_on = not self._stopping.is_set()
        return call.outcome == "rejected" and self._has_answered and is_going_on

    def _heed(self, reply: Reply) -> None:
        """Stop the run if the endpoint refuses all of it, asks for a long rest, or is too slow."""
        call, wait = reply.call, reply.retry_after
        if call.outcome in REFUSALS:
            self._end(LlmRefused(call.sentence or call.outcome, reason=call.outcome))
        if reply.is_web_page and not self._has_answered:
            self._end(LlmRefused(call.sentence or call.outcome, reason="not_an_api"))
        if wait is not None and wait > MAX_WAIT_SECONDS:
            told = f"It wants {wait:,.0f} s of rest; what is left is scored later."
            self._end(LlmUnavailable(f"{call.sentence} {told}"))
        if self._late >= MAX_LATE:
            told = f"{self._late} requests one after another came to nothing, each sent alone."
            self._end(LlmUnavailable(f"{told} {call.sentence}"))

    def _tell(self, sentence: str) -> None:
        """Warn of something, once a run."""
        if sentence not in self._told:
            self._told.add(sentence)
            log.warning(sentence)

    def _fail(self, call: Call) -> None:
        """Note that a text got no answer, and give the endpoint up after several in a row."""
        self._failures.append(call.outcome)
        if len(self._failures) >= MAX_FAILURES:
            is_ours = set(self._failures) == {"rejected"}
            ended = "were rejected" if is_ours else "got no answer"
            told = f"{len(self._failures)} reviews one after another {ended}. {call.sentence}"
            self._stop_for(LlmRefused(told, reason="rejected") if is_ours else LlmUnavailable(told))

    async def _give_up_on_useless_answers(self, reply: Reply, call: Call, sent: str) -> None:
        """Stop the run if most of its answers, of all its tasks, cannot be used."""
        if call.outcome not in UNUSABLE or self._stopping.is_set():
            return
        found = await self._ledger_do(self._ledger.unusable, FIRST_ANSWERS)
        if found.in_a_row < MAX_UNUSABLE and found.of_first <= FIRST_ANSWERS / 2:
            return
        told = (
            f"{found.in_a_row} answers in a row"
            if found.in_a_row >= MAX_UNUSABLE
            else f"{found.of_first} of the first {FIRST_ANSWERS} answers"
        )
        look = next((excerpt(place.text, sent) for place in reply.places), "")
        seen = f"The last one begins “{look}”." if look else "The last one is empty."
        error = LlmRefused(
            f"{told} by {self._settings.llm_model} cannot be used. {seen} Choose another model or "
            "FILMPULSE_LLM_ANSWER_FORMAT.",
            reason="unusable_answers",
        )
        self._stop_for(error)

    async def _back_off(self, attempt: int, reply: Reply) -> None:
        """Wait before the next attempt, longer each time; all wait if requests came too fast."""
        longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2**attempt)
        # Half of it is random, so that requests refused together do not come back together.
        wait = longest * random.uniform(0.5, 1)  # noqa: S311
        asked_for = reply.retry_after
        if reply.call.outcome == "rate_limited":
            self._limiter.refused(asked_for or wait)
        else:
            await self._pause(max(wait, asked_for or 0))

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the run."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        self._go_on()

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise _Ended


def _now() -> float:
    return asyncio.get_running_loop().time()


def _read(reply: Reply, sent: str) -> tuple[Call, Reading | None]:
    """Check an answer; return the call with its true outcome, and the reading if it is final."""
    call = reply.call
    if call.outcome != "scored":
        return call, Reading(status=call.outcome) if call.outcome in _FINAL else None
    trouble: InvalidAnswer | None = None
    for place in reply.places:
        try:
            checked = read_answer(place.text, sent)
        except InvalidAnswer as error:
            trouble = trouble or error
            continue
        found = {
            "quotes_given": checked.quotes_given,
            "quotes_dropped": checked.quotes_dropped,
            "leniencies": place.leniencies + checked.leniencies,
        }
        return call.model_copy(update=found), checked.reading
    call = call.model_copy(update={"outcome": "invalid", "sentence": str(trouble)})
    return call, Reading(status="invalid")


def _analysis(
    text: ReviewText, reading: Reading, spent: Mapping[str, Any] = MappingProxyType({})
) -> Analysis:
    keys = text.model_dump(exclude={"cast", "language", "text"})
    return Analysis(**keys, **dict(reading), **spent)
