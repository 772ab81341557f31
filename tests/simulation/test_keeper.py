"""Going on reconciling: what it costs, what it finds by itself, and how it waits for a venue that says nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.model.events import Alerted
from bot.reconcile import Keeper, Pace
from tests.simulation.stage import Stage, Told
from tests.unit.bot.desk import D

QUESTIONS = ("account", "positions", "open_orders", "fills", "commissions", "cash_flows", "order")


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


@asynccontextmanager
async def keeping(stage: Stage) -> AsyncIterator[Keeper]:
    """A bot whose reconciliation is kept; links are heard as the daemon hears them."""
    async with stage.bot() as engine:
        keeper = Keeper(engine, stage.reconciler, stage.clock)
        for venue in stage.venues:
            told = venue._sink
            assert told is not None

            def hear(event: Any, tell: Any = told) -> None:
                tell(event)
                keeper.hear(event)

            venue._sink = hear
        await keeper.once()
        task = asyncio.ensure_future(keeper.keep())
        try:
            yield keeper
        finally:
            task.cancel()
            await asyncio.wait([task])


def counted(venue: Told) -> Counter[str]:
    """Count the questions a venue is asked from now on."""
    counts: Counter[str] = Counter()
    for name in QUESTIONS:
        method = getattr(venue, name)

        async def ask(*given: Any, _name: str = name, _method: Any = method) -> Any:
            counts[_name] += 1
            return await _method(*given)

        setattr(venue, name, ask)
    return counts


def alerts(stage: Stage) -> list[str]:
    found = [entry.event for entry in stage.store.recorded if isinstance(entry.event, Alerted)]
    return [alert.text for alert in found if alert.code == "RECONCILE_MISMATCH"]


def test_an_hour_in_peace_costs_few_questions(stage: Stage) -> None:
    """Two every quarter of a minute, and all of them every five minutes: some nine a minute of the 80 there are."""

    async def main() -> None:
        async with keeping(stage):
            counts = counted(stage.venues[0])
            await asyncio.sleep(3600)
            assert 230 <= counts["positions"] <= 245
            assert counts["fills"] <= 13
            assert counts["open_orders"] <= 13
            assert sum(counts.values()) <= 550
            assert stage.engine.market.reconciled

    stage.play(main())


def test_what_the_stream_never_told_is_found_by_a_look(stage: Stage) -> None:
    async def main() -> None:
        async with keeping(stage):
            stage.venues[0].deaf = True
            stage.by_hand(0, 300)
            await asyncio.sleep(20)
            assert stage.booked == (300, 0)
            assert stage.engine.market.reconciled

    stage.play(main())


def test_an_order_of_others_is_found_by_the_whole_comparison(stage: Stage) -> None:
    async def main() -> None:
        async with keeping(stage):
            stage.by_hand(0, -500, "other-bot", rest=90_000)
            await asyncio.sleep(320)
            assert not stage.engine.market.reconciled

    stage.play(main())


def test_a_link_that_comes_back_is_followed_by_a_whole_comparison_at_once(stage: Stage) -> None:
    async def main() -> None:
        async with keeping(stage):
            stage.venues[0].drop_link()
            await asyncio.sleep(400)
            assert not stage.engine.market.reconciled
            counts = counted(stage.venues[0])
            stage.venues[0].restore_link()
            await asyncio.sleep(1)
            assert counts["fills"] == 1
            assert stage.engine.market.reconciled

    stage.play(main())


def test_a_venue_that_does_not_answer_is_asked_ever_more_rarely_and_that_is_said(stage: Stage) -> None:
    async def main() -> None:
        async with keeping(stage) as keeper:
            stage.venues[1].silent = True
            counts = counted(stage.venues[1])
            await asyncio.sleep(1800)
            assert 25 <= counts["positions"] <= 45, "2, 4, 8 … 60 seconds apart"
            standing = keeper.standing()
            assert "no answer" in standing["problem"]
            assert standing["failures"] > 20
            assert 0 < standing["next_try_seconds"] <= 60
            stage.venues[1].silent = False
            await asyncio.sleep(61)
            assert stage.engine.market.reconciled
            assert keeper.standing()["problem"] is None

    stage.play(main())


def test_a_mismatch_is_told_once_then_again_in_time_and_its_end_too(stage: Stage) -> None:
    async def main() -> None:
        async with keeping(stage):
            stage.venues[0].phantom_cash = 7
            await asyncio.sleep(240)
            text = (
                "bitmex: cash and cost come to 2000000007 at the venue, 2000000000 in the ledger (1e-8 XBT)"
            )
            assert alerts(stage) == [text]
            await asyncio.sleep(3 * 3600)
            assert [alert.split(", and nobody")[0] for alert in alerts(stage)[1:]] == [
                f"STILL after {lasted}" for lasted in lasting(alerts(stage)[1:])
            ]
            assert len(alerts(stage)) == 6, "after 5 and 30 minutes, 1, 2 and 3 hours"
            stage.venues[0].phantom_cash = 0
            await asyncio.sleep(61)
            assert alerts(stage)[-1].startswith("over after 3:0")
            assert stage.engine.market.reconciled

    stage.play(main())


def lasting(texts: list[str]) -> list[str]:
    found = [text.removeprefix("STILL after ").split(",")[0] for text in texts]
    hours = [
        sum(int(part) * unit for part, unit in zip(one.split(":"), (60, 1, 0), strict=True)) for one in found
    ]
    assert all(0 <= told - due <= 2 for told, due in zip(hours, (5, 30, 60, 120, 180), strict=True)), hours
    return found


def test_a_look_waits_while_something_is_on_its_way(stage: Stage) -> None:
    """Between a fill and its news the two disagree; that is no mismatch."""

    async def main() -> None:
        async with keeping(stage):
            await stage.enable()
            await stage.carry_out(300, size_xbt=D(2))
            assert alerts(stage) == []

    stage.play(main())


def test_pauses_double_up_to_the_last() -> None:
    pace = Pace(first=2, last=60)
    assert [pace.pause(failures) for failures in (1, 2, 3, 4, 5, 6, 100)] == [2, 4, 8, 16, 32, 60, 60]
