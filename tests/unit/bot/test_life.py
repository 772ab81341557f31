"""A bot that is stopped tells the watchdog that asks, and waits for nobody else; virtual time."""

import asyncio
from datetime import UTC, datetime

import pytest

from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from bot.surfaces.life import Life

START = datetime(2026, 11, 23, tzinfo=UTC)
DOG, SOMEBODY = 6.0, None


def ended(*asks: tuple[float, float | None], end_at: float = 100.0) -> tuple[float, list[str]]:
    """Questions at so many seconds, and who asks; return how long the end took, and the answers."""
    clock = VirtualTime(START)
    loop, life, answers = VirtualLoop(clock), Life(clock), list[str]()

    def ask(every: float | None) -> None:
        answers.append(life.asked(every))

    async def main() -> float:
        for at, every in asks:
            loop.call_at(at, ask, every)
        await asyncio.sleep(end_at)
        await life.end()
        return clock.monotonic() - end_at

    try:
        return loop.run_until_complete(main()), answers
    finally:
        loop.close()


def test_the_watchdog_is_told_at_its_next_question_and_not_waited_for_longer() -> None:
    took, answers = ended((90, DOG), (96, DOG), (102, DOG))
    assert answers == ["alive", "alive", "stopped"]
    assert took == pytest.approx(2.25)


@pytest.mark.parametrize("asks", [[], [(99, SOMEBODY)], [(80, DOG), (101, SOMEBODY)]])
def test_without_a_watchdog_that_asks_nothing_is_waited_for(asks: list[tuple[float, float | None]]) -> None:
    assert ended(*asks)[0] == 0


def test_one_that_asks_no_more_is_waited_for_three_of_its_turns() -> None:
    took, answers = ended((99, DOG), (103, SOMEBODY))
    assert took == 18
    # Whoever else asks hears it too, and it does not count.
    assert answers == ["alive", "stopped"]


def test_nor_longer_than_half_a_minute() -> None:
    assert ended((99, 300.0))[0] == 30
