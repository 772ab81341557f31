"""Questions leave room for orders."""

import asyncio

import pytest

from adapters.ibkr.pace import Pace


@pytest.mark.parametrize(("messages", "at_once"), [(1, 6), (2, 3)])
def test_what_does_not_fit_waits_for_the_period_to_pass(messages: int, at_once: int) -> None:
    async def main() -> list[float]:
        pace, loop = Pace(limit=6, period=0.1), asyncio.get_running_loop()
        start, turns = loop.time(), []
        for _ in range(2 * at_once + 1):
            await pace.turn(messages)
            turns.append(loop.time() - start)
        return turns

    turns = asyncio.run(main())
    assert turns[at_once - 1] < 0.09
    assert all(turn >= 0.09 for turn in turns[at_once : 2 * at_once])
    assert turns[2 * at_once] >= 0.19


def test_orders_wait_for_nobody_and_are_counted() -> None:
    async def main() -> None:
        pace = Pace()
        assert pace.left() == 1
        for _ in range(45):
            pace.note()
        assert pace.left() == 0
        pace.note()
        assert pace.left() == 0

    asyncio.run(main())
