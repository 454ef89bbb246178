"""How many requests may be under way at once, after answers and after late ones."""

from __future__ import annotations

import asyncio

import pytest

from filmpulse.analysis.llm.pace import GIVEN_BACK, Slots


async def at_once(slots):
    """Take slots until there is no other, and give them back; return how many there were."""
    taken = 0
    while not slots._free.locked():
        await slots.__aenter__()
        taken += 1
    for _ in range(taken):
        await slots.__aexit__()
    return taken


@pytest.mark.parametrize("most", [1, 3, 256])
def test_there_is_one_slot_until_all_are_opened(most):
    async def work():
        slots = Slots(most)
        before = await at_once(slots), slots.is_one
        slots.open()
        return before, await at_once(slots)

    assert asyncio.run(work()) == ((1, True), most)


def test_each_late_answer_takes_half_of_them_but_the_last():
    async def work():
        slots = Slots(16)
        slots.open()
        found = []
        for _ in range(6):
            await slots.late()
            found.append(await at_once(slots))
        return found, slots.is_one

    assert asyncio.run(work()) == ([8, 4, 2, 1, 1, 1], True)


def test_answers_give_them_back_slowly_and_never_more_than_there_were():
    async def work():
        slots = Slots(4)
        slots.open()
        await slots.late()
        needed = []
        for _ in range(2):
            before, answers = await at_once(slots), 0
            while await at_once(slots) == before:
                slots.answered()
                answers += 1
            needed.append(answers)
        for _ in range(1000):
            slots.answered()
        return needed, await at_once(slots)

    needed, most = asyncio.run(work())
    assert needed == [pytest.approx(1 / GIVEN_BACK, abs=1)] * 2
    assert most == 4


def test_slots_that_are_in_use_are_taken_away_when_they_become_free():
    async def work():
        slots = Slots(8)
        slots.open()
        go_on, under_way, seen = asyncio.Semaphore(0), 0, []

        async def ask():
            nonlocal under_way
            async with slots:
                under_way += 1
                await go_on.acquire()
                seen.append(under_way)
                under_way -= 1

        tasks = [asyncio.create_task(ask()) for _ in range(30)]
        while under_way < 8:
            await asyncio.sleep(0)
        await slots.late()
        await slots.late()
        for done in range(1, 31):
            go_on.release()
            while len(seen) < done:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return seen, await at_once(slots)

    seen, left = asyncio.run(work())
    assert seen[:7] == [8, 7, 6, 5, 4, 3, 2]
    assert max(seen[7:]) == 2
    assert left == 2
