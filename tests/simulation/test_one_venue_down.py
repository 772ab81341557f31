"""The start with one venue down: the other is served, nothing new goes out, and trading goes on once both are there."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.errors import Misconfigured, Unreachable
from adapters.venue import Sink, Venue
from bot.model.events import Alerted, OrderIntended
from bot.model.ids import LegKey, parse_client_order_id
from bot.model.plans import PlanStatus
from bot.model.trading_state import TradingState
from bot.orders.fold import folded
from bot.runtime.files import Files
from bot.runtime.start import Core, started
from tests.simulation.stage import CONTRACTS, MemoryStore, Stage, Told
from tests.unit.bot.desk import POLICY, D

WORK = "plan1-01w-001"


class Closed(Told):
    """A venue that cannot be reached while ``down``."""

    down = True

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        if self.down:
            raise Unreachable(self.name, "connect", "connection refused")
        await super().connect(symbols, sink)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


def venue(stage: Stage, index: int, *, down: bool) -> Closed:
    made = Closed(stage.exchanges[index], "me", stage.clock)
    made.log, made.down = stage.log, down
    return made


@asynccontextmanager
async def bot(
    stage: Stage, tmp_path: Path, store: MemoryStore, venues: Sequence[Closed]
) -> AsyncIterator[Core]:
    stage.store = store
    stage.venues = (venues[0], venues[1])
    symbols: dict[Venue, list[str]] = {
        venue: [spec.symbol] for venue, spec in zip(venues, CONTRACTS, strict=True)
    }
    async with started(store, folded(store.recorded), symbols, POLICY, stage.clock, Files(tmp_path)) as core:
        stage.engine, stage.reconciler = core.engine, core.reconciler
        yield core


def agrees(core: Core) -> bool:
    return core.engine.market.reconciled


def alerts(store: MemoryStore, code: str) -> list[str]:
    found = [entry.event for entry in store.recorded if isinstance(entry.event, Alerted)]
    return [alert.text for alert in found if alert.code == code]


async def left_naked(stage: Stage) -> MemoryStore:
    """Die between a fill at the linear venue and its hedge: what is on the disk knows of the fill."""
    async with stage.bot():
        await stage.enable()
        await stage.propose(size_xbt=D("0.3"))
        await stage.approve()
        await stage.until(f"submit {WORK}")
        stage.latch = "dying"
        await stage.until("append FillBooked")
        kept = MemoryStore(stage.log, list(stage.store.recorded))
    stage.latch = None
    assert stage.held == (0, -3)
    stage.clock.elapsed += 60
    stage.market()
    return kept


@pytest.mark.parametrize("missing", [0, 1])
def test_nothing_new_goes_out_until_both_are_there(stage: Stage, tmp_path: Path, missing: int) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose(size_xbt=D("0.3"))
        kept = MemoryStore(stage.log, stage.store.recorded)
        venues = [venue(stage, index, down=index == missing) for index in (0, 1)]
        async with bot(stage, tmp_path, kept, venues) as core:
            await asyncio.sleep(30)
            assert core.engine.state.trading is TradingState.ACTIVE, "durable, and not in force"
            assert not agrees(core)
            (told,) = core.standing()["missing"]
            assert told["venue"] == venues[missing].name
            assert told["tries"] > 3
            assert "connection refused" in told["problem"]
            assert 0 < told["next_try_seconds"] <= 60
            assert "not reached in 1 attempt:" in alerts(kept, "VENUE_NOT_REACHED")[0]
            await stage.approve()
            await asyncio.sleep(30)
            assert not any(isinstance(entry.event, OrderIntended) for entry in kept.recorded)
            with pytest.raises(Unreachable, match="not reached since the start"):
                await core.reconciler.run()
            venues[missing].down = False
            async with asyncio.timeout(200):
                while stage.plan.status is PlanStatus.ACTIVE:
                    await stage.approve()
                    stage.market()
                    await asyncio.sleep(0.1)
            assert agrees(core)
            assert core.standing()["missing"] == []
            assert stage.held == stage.booked == (24_000, -3)
            assert "reached after" in alerts(kept, "VENUE_NOT_REACHED")[-1]

    stage.play(main())


def test_what_filled_is_hedged_at_the_venue_that_can_be_reached(stage: Stage, tmp_path: Path) -> None:
    async def main() -> None:
        kept = await left_naked(stage)
        venues = [venue(stage, 0, down=False), venue(stage, 1, down=True)]
        async with bot(stage, tmp_path, kept, venues) as core:
            await asyncio.sleep(20)
            stage.market()
            await asyncio.sleep(5)
            assert stage.held == (24_000, -3)
            assert not core.engine.market.reconciled
            assert [leg[0].role.label for leg in _sent(kept)] == ["working", "hedge"]

    stage.play(main())


def test_nothing_is_unwound_that_a_hedge_at_the_missing_venue_may_cover(stage: Stage, tmp_path: Path) -> None:
    """The hedge's venue is down: an id reserved for it may have been used, so the fill is not taken back."""

    async def main() -> None:
        kept = await left_naked(stage)
        venues = [venue(stage, 0, down=True), venue(stage, 1, down=False)]
        async with bot(stage, tmp_path, kept, venues):
            for _ in range(60):
                stage.market()
                await asyncio.sleep(1)
            assert [leg[0].role.label for leg in _sent(kept)] == ["working"]
            assert stage.held[1] == -3
            venues[0].down = False
            for _ in range(120):
                stage.market()
                await asyncio.sleep(1)
            assert stage.held == stage.booked == (24_000, -3)

    stage.play(main())


def test_without_any_venue_there_is_no_start(stage: Stage, tmp_path: Path) -> None:
    async def main() -> None:
        venues = [venue(stage, index, down=True) for index in (0, 1)]
        with pytest.raises(Unreachable, match="bitmex"):
            async with bot(stage, tmp_path, stage.store, venues):
                pass

    stage.play(main())


def test_what_a_person_has_to_mend_ends_the_start(stage: Stage, tmp_path: Path) -> None:
    """A wrong account is no outage."""

    async def main() -> None:
        wrong = Closed(stage.exchanges[1], "nobody", stage.clock)
        wrong.log, wrong.down = stage.log, False
        with pytest.raises(Misconfigured):
            async with bot(stage, tmp_path, stage.store, [venue(stage, 0, down=True), wrong]):
                pass

    stage.play(main())


def _sent(store: MemoryStore) -> list[tuple[LegKey, int]]:
    intents = [entry.event for entry in store.recorded if isinstance(entry.event, OrderIntended)]
    parsed = [parse_client_order_id(event.request.client_order_id) for event in intents]
    return [found for found in parsed if found is not None]
