"""Requests leave as fast as the limits allow and no faster, on a clock that nobody waits for."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.llm.pace import SLOWER, Limiter

PLENTY = 10**9


class Clock:
    """A clock that only sleepers move; what is due happens in mid-sleep."""

    def __init__(self, now=1_000.0):
        self.now = now
        self.due = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds
        await asyncio.sleep(0)
        while self.due:
            self.due.pop()()


def made(requests=60, tokens=PLENTY):
    clock = Clock()
    return Limiter(requests, tokens, clock=clock, sleep=clock.sleep), clock


def send(limiter, clock, sizes):
    """Return when requests of these sizes leave, one after another, in seconds from now."""

    async def all_of_them():
        times = []
        for size in sizes:
            await limiter.take(size)
            times.append(clock.now - start)
        return times

    start = clock.now
    return asyncio.run(all_of_them())


def pace(limiter, clock, count=20):
    """Return the requests a minute that leave once what was saved up is gone."""
    send(limiter, clock, [1] * 500)
    start = clock.now
    send(limiter, clock, [1] * count)
    return count * 60 / (clock.now - start)


@given(
    st.integers(1, 3_000),
    st.integers(1_000, 200_000),
    st.lists(
        st.tuples(st.sampled_from([0, 0, 0, 0.01, 1, 7, 59.9, 300]), st.integers(1, 5_000)),
        min_size=2,
        max_size=60,
    ),
)
def test_no_minute_sees_more_than_the_limits(requests, tokens, arrivals):
    limiter, clock = made(requests, tokens)
    left = []
    for idle, size in arrivals:
        clock.now += idle
        send(limiter, clock, [size])
        left.append((clock.now, size))
    for first, (begin, _) in enumerate(left):
        window = [size for time, size in left[first:] if time < begin + 60 - 1e-6]
        assert len(window) <= requests
        # What is larger than anything that is ever saved up can only go into debt.
        assert sum(window) <= tokens + max(window)


@pytest.mark.parametrize("requests", [7, 60, 300, 5_000])
def test_nearly_all_of_a_limit_is_used(requests):
    limiter, clock = made(requests)
    times = send(limiter, clock, [1] * (3 * requests))
    assert 0.98 * requests <= 3 * requests * 60 / times[-1] <= 1.02 * requests + 1
    assert times[0] == 0


def test_the_scarcer_of_requests_and_tokens_sets_the_pace():
    by_requests = send(*made(60, 60_000), [100] * 60)
    assert by_requests == pytest.approx(send(*made(60), [100] * 60))
    by_tokens = send(*made(6_000, 60_000), [2_000] * 60)
    assert by_tokens[-1] == pytest.approx(2 * by_requests[-1], rel=0.05)


def test_little_is_saved_up_in_a_pause():
    limiter, clock = made(600)
    send(limiter, clock, [1] * 100)
    clock.now += 10_000
    at_once = [time for time in send(limiter, clock, [1] * 200) if time == 0]
    assert 1 <= len(at_once) <= 600 / 60 * 2


def test_requests_leave_in_the_order_in_which_they_came():
    limiter, _ = made(60, 6_000)
    order = []

    async def ask(number, size):
        await limiter.take(size)
        order.append(number)

    async def all_at_once():
        sizes = [1, 900, 5, 40_000, 1, 1, 700, 1] * 5
        await asyncio.gather(*(ask(number, size) for number, size in enumerate(sizes)))

    asyncio.run(all_at_once())
    assert order == list(range(40))


def test_a_request_larger_than_any_limit_goes_and_the_next_waits_for_it():
    times = send(*made(600, 6_000), [60_000, 10, 10])
    assert times[0] == 0
    assert 600 <= times[1] <= 620
    assert times[2] - times[1] < 1


def test_one_who_gives_up_waiting_lets_the_next_one_go():
    clock = Clock()
    asleep = asyncio.Event()

    async def sleep(seconds):
        if asleep.is_set():
            return await clock.sleep(seconds)
        asleep.set()
        return await asyncio.Event().wait()  # until it is cancelled

    async def story():
        limiter = Limiter(60, PLENTY, clock=clock, sleep=sleep)
        await limiter.take(1)
        first, second = (asyncio.create_task(limiter.take(1)) for _ in range(2))
        await asleep.wait()
        first.cancel()
        await second
        assert first.cancelled()
        start = clock.now
        await limiter.take(1)
        return start - 1_000, clock.now - start

    waited, later = asyncio.run(story())
    # The one that gave up has used nothing.
    assert waited == pytest.approx(later, rel=0.05)


def test_what_was_not_sent_after_all_costs_nothing():
    limiter, clock = made(60, 60_000)
    for _ in range(100):
        assert send(limiter, clock, [900]) == [0]
        limiter.give_back(900)
    assert send(limiter, clock, [900]) == [0]
    assert send(limiter, clock, [1])[0] > 0.5


def test_what_is_given_back_is_one_request():
    limiter, clock = made(600)
    spent = send(limiter, clock, [1] * 20).count(0)
    clock.now += 60
    send(limiter, clock, [1] * spent)
    limiter.give_back(1)
    assert [time == 0 for time in send(limiter, clock, [1, 1])] == [True, False]


def test_giving_back_saves_nothing_up():
    limiter, clock = made(60)
    for _ in range(100):
        limiter.give_back(900)
    assert len([time for time in send(limiter, clock, [1] * 10) if time == 0]) <= 2


def test_nothing_leaves_in_a_pause_and_a_longer_one_stays():
    limiter, clock = made(600)
    limiter.refused(30)
    limiter.refused(5)
    limiter.refused(0)
    assert send(limiter, clock, [1])[0] == pytest.approx(30)


def test_a_pause_holds_also_for_those_who_wait_already():
    limiter, clock = made(60)
    send(limiter, clock, [1])
    clock.due.append(lambda: limiter.refused(45))
    assert send(limiter, clock, [1])[0] == pytest.approx(46, abs=0.1)


def test_what_rested_in_a_pause_is_not_made_up_for():
    limiter, clock = made(600)
    limiter.refused(600)
    times = send(limiter, clock, [1] * 100)
    assert times[-1] - times[0] >= 80 / 600 * 60


def test_a_refusal_slows_down_and_answers_speed_up_again():
    limiter, clock = made(600)
    full = pace(limiter, clock)
    limiter.accepted()
    limiter.refused(1)
    slow = pace(limiter, clock)
    assert slow == pytest.approx(SLOWER * full, rel=0.02)
    paces = [slow]
    for _ in range(10):
        for _ in range(20):
            limiter.accepted()
        paces.append(pace(limiter, clock))
    assert all(before <= after * (1 + 1e-9) for before, after in pairwise(paces))
    assert paces[1] > 1.05 * slow
    assert paces[-1] == pytest.approx(full)


def test_refusals_that_come_together_slow_down_once():
    limiter, clock = made(600)
    full = pace(limiter, clock)
    limiter.accepted()
    for _ in range(16):
        limiter.refused(1)
    assert pace(limiter, clock) == pytest.approx(SLOWER * full, rel=0.02)


def test_refusals_before_any_answer_say_nothing_of_the_pace():
    limiter, clock = made(600)
    limiter.refused(1)
    assert pace(limiter, clock) == pytest.approx(pace(*made(600)))


def test_whatever_is_refused_one_request_a_minute_still_leaves():
    limiter, clock = made(60)
    for _ in range(1_000):
        limiter.accepted()
        limiter.refused(0)
    send(limiter, clock, [1])
    assert send(limiter, clock, [1])[0] <= 62


@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_a_limit_that_the_endpoint_tells_is_kept(kind):
    own = {"requests": 600, "tokens": 600}  # each request below is of one token
    limiter, clock = made(**own)
    full = pace(limiter, clock)
    limiter.learn({f"x-ratelimit-limit-{kind}": "120"})
    assert pace(limiter, clock) == pytest.approx(full / 5, rel=0.02)
    limiter.learn({f"x-ratelimit-limit-{kind}": "300"})
    assert pace(limiter, clock) == pytest.approx(full / 2, rel=0.02)
    limiter.learn({f"x-ratelimit-limit-{kind}": "30000"})
    assert pace(limiter, clock) == pytest.approx(full)


def test_a_limit_of_ones_own_is_never_raised():
    headers = {"x-ratelimit-limit-requests": "30000", "x-ratelimit-remaining-requests": "29999"}
    limiter, clock = made(60)
    limiter.learn(headers)
    times = send(limiter, clock, [1] * 60)
    assert times == pytest.approx(send(*made(60), [1] * 60))


def test_what_others_have_used_up_is_waited_for():
    limiter, clock = made(60)
    limiter.learn({"x-ratelimit-remaining-requests": "0"})
    assert send(limiter, clock, [1])[0] == pytest.approx(1, abs=0.1)
    limiter, clock = made(600, 60_000)
    limiter.learn({"x-ratelimit-remaining-tokens": "0"})
    assert send(limiter, clock, [900])[0] == pytest.approx(0.9, abs=0.1)


def test_what_is_left_there_pays_no_debt_here():
    # An answer tells what was left when it was sent; others have left since.
    limiter, clock = made(60, 60_000)
    send(limiter, clock, [30_000])
    limiter.learn({"x-ratelimit-remaining-tokens": "59000"})
    assert send(limiter, clock, [1_000])[0] > 29


@pytest.mark.parametrize(
    "value", ["", "0", "-1", "many", "nan", "inf", "1e12", "1e400", "0x10", "12 s", "60, 60;w=60"]
)
def test_a_limit_that_makes_no_sense_changes_nothing(value):
    limiter, clock = made(60, 60_000)
    limiter.learn({f"x-ratelimit-limit-{kind}": value for kind in ("requests", "tokens")})
    assert send(limiter, clock, [900] * 30) == pytest.approx(send(*made(60, 60_000), [900] * 30))


@pytest.mark.parametrize("value", ["", "-1", "nan", "inf", "1e400", "1e12", "none"])
def test_a_rest_that_makes_no_sense_changes_nothing(value):
    limiter, clock = made(60, 60_000)
    limiter.learn({f"x-ratelimit-remaining-{kind}": value for kind in ("requests", "tokens")})
    assert send(limiter, clock, [900] * 30) == pytest.approx(send(*made(60, 60_000), [900] * 30))


@given(
    st.dictionaries(
        st.sampled_from(
            [
                f"x-ratelimit-{what}-{of}"
                for what in ("limit", "remaining")
                for of in ("requests", "tokens")
            ]
        ),
        st.text(max_size=8) | st.floats(min_value=0).map(str) | st.integers().map(str),
    )
)
def test_whatever_headers_say_requests_go_on_within_the_limits(headers):
    limiter, clock = made(60, 60_000)
    limiter.learn(headers)
    times = send(limiter, clock, [1] * 61)
    assert times[60] - times[0] >= 60 - 1e-6
