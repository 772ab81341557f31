"""Adoption: exactly what was shown, booked so that ledger and venues agree, and nothing new before a person says so."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.ledger.balances import balances
from bot.ledger.proof import Proof
from bot.model.differences import content_hash
from bot.model.events import Adopted, AdoptedPosition, FillBooked, OrderIntended
from bot.model.inputs import Done
from bot.model.plans import PlanStatus
from bot.model.trading_state import TradingState
from bot.orders.fold import apply
from bot.orders.state import BotState
from risk.approval import Denied
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.portfolio import Position
from tests.simulation.stage import INVERSE, LINEAR, MemoryStore, Stage
from tests.unit.bot.desk import D

WORK = "plan1-01w-001"


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


async def seen(stage: Stage) -> str:
    found = await stage.reconciler.run()
    assert found
    return content_hash(map(str, found))


async def adopted(stage: Stage) -> Adopted:
    """Adopt what differs; the books then say what the venues say, and prove it."""
    answer = await stage.reconciler.adopt(await seen(stage), "anna", "looked at the venue's page")
    assert isinstance(answer, Done), answer
    assert stage.engine.market.reconciled
    as_the_venues_say(stage)
    *_, event = [entry.event for entry in stage.store.recorded if isinstance(entry.event, Adopted)]
    return event


def as_the_venues_say(stage: Stage) -> None:
    """Positions, what they cost, and cash, of the double-entry books, against the exchanges' own."""
    held = balances(stage.store.recorded)
    assert all(sum(units for (_, of), units in held.accounts.items() if of is one) == 0 for one in Currency)
    assert held.delta_xbt == stage.engine.state.delta()
    assert stage.booked == stage.held
    for exchange, key in zip(stage.exchanges, (INVERSE, LINEAR), strict=True):
        position = exchange.position("me", exchange.specs()[0].symbol)
        currency = Currency.XBT if key is INVERSE else Currency.USD
        assert held.positions.get(key, 0) == position.contracts
        assert held.cash[exchange.name, currency].units == exchange.account("me").wallet
        assert (held.costs[key].units if key in held.costs else 0) == (position.cost or 0)
    proof = Proof()
    assert [line for entry in stage.store.recorded for line in proof.see(entry)] + proof.unresolved() == []
    again = BotState()
    for entry in stage.store.recorded:
        apply(again, entry.event, entry.at)
    assert again.positions == stage.engine.state.positions
    assert again.cash_and_cost == stage.engine.state.cash_and_cost


def forget_fills(stage: Stage, index: int) -> None:
    """The venue's history no longer tells what it has not told yet."""
    stage.venues[index].forgetful = True


# --- positions and cash ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "by_hand"), [(0, 700), (0, -700), (500, 300), (500, -200), (500, -900)])
def test_a_position_the_fills_do_not_explain(stage: Stage, before: int, by_hand: int) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            if before:
                stage.by_hand(0, before)
            await engine.drained()
            await stage.enable()
            forget_fills(stage, 0)
            stage.market(81_000)
            stage.by_hand(0, by_hand)
            event = await adopted(stage)
            assert stage.booked == (before + by_hand, 0)
            assert engine.state.trading is TradingState.HALTED
            assert (event.by, event.reason) == ("anna", "looked at the venue's page")
            assert event.differences[0] == (
                f"{INVERSE}: the venue holds {before + by_hand} contracts, the ledger {before}"
            )
            assert await stage.reconciler.run() == ()

    stage.play(main())


def test_what_was_there_before_the_books(stage: Stage) -> None:
    async def main() -> None:
        stage.by_hand(0, 30_000)
        stage.by_hand(1, -4)
        stage.clock.elapsed += 60
        async with stage.bot():
            assert not stage.engine.market.reconciled
            await adopted(stage)
            assert stage.booked == (30_000, -4)

    stage.play(main())


def test_cash_alone(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            stage.venues[0].phantom_cash = -12_345
            event = await stage.reconciler.run()
            assert isinstance(
                await stage.reconciler.adopt(content_hash(map(str, event)), "anna", "a fee nobody told"), Done
            )
            assert engine.state.cash_and_cost["bitmex"].units == 20 * 10**8 - 12_345
            held = balances(stage.store.recorded)
            assert held.cash["bitmex", Currency.XBT].units == 20 * 10**8 - 12_345
            assert held.accounts["equity:adjustments", Currency.XBT] == 12_345
            assert await stage.reconciler.run() == ()

    stage.play(main())


def test_where_the_venue_does_not_say_what_contracts_cost(stage: Stage) -> None:
    """At the price of now; what that was wrong by shows when the position is flat, and is adopted then."""

    async def main() -> None:
        async with stage.bot() as engine:
            stage.venues[1].tells_no_cost = True
            forget_fills(stage, 1)
            stage.by_hand(1, -3)
            found = await stage.reconciler.run()
            assert isinstance(
                await stage.reconciler.adopt(content_hash(map(str, found)), "anna", "mine"), Done
            )
            assert engine.market.reconciled
            assert stage.booked == (0, -3)
            assert balances(stage.store.recorded).delta_xbt == engine.state.delta() == D("19.7")
            # 3 × 0.1 XBT sold, by the books at the mid of 80,700.
            assert balances(stage.store.recorded).costs[LINEAR].amount == D("-24210")
            stage.market()
            stage.by_hand(1, 3)
            await adopted(stage)
            assert stage.booked == (0, 0)

    stage.play(main())


def test_a_contract_the_books_know_no_terms_of_is_left_aside(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            odd = Position(InstrumentId("bitmex", "ETHUSD"), 10, stage.clock.now(), cost_units=777)
            stage.venues[0].beside = [odd]
            answer = await stage.reconciler.adopt(await seen(stage), "anna", "my own")
            assert isinstance(answer, Done)
            assert engine.market.reconciled
            assert engine.state.left_aside == {odd.instrument: 10}
            assert engine.state.delta() == 20
            stage.venues[0].beside = [replace(odd, contracts=20)]
            (more,) = await stage.reconciler.run()
            assert str(more) == "bitmex:ETHUSD: the venue holds 20 contracts, the ledger 10"
            stage.venues[0].beside = []
            (gone,) = await stage.reconciler.run()
            assert str(gone) == "bitmex:ETHUSD: the venue holds 0 contracts, the ledger 10"

    stage.play(main())


def test_what_was_left_aside_is_counted_with_what_the_books_hold_once_its_terms_are_known(
    stage: Stage,
) -> None:
    """A contract held by hand, whose terms the bot learns later: it trades it, and then takes all of it over."""

    async def main() -> None:
        stage.by_hand(1, 2)
        stage.clock.elapsed += 60
        async with stage.bot() as engine:
            stage.venues[1].tells_no_cost = True
            apply(
                engine.state,
                Adopted("", "", "", (), (), (), (AdoptedPosition(LINEAR, 0, 2),), (), (), ()),
                stage.clock.now(),
            )
            assert await stage.reconciler.run() == ()
            stage.by_hand(1, 3)
            await asyncio.sleep(1)
            assert stage.booked == (0, 3)
            assert await stage.reconciler.run() == ()
            forget_fills(stage, 1)
            stage.by_hand(1, 1)
            (found,) = await stage.reconciler.run()
            assert str(found) == f"{LINEAR}: the venue holds 6 contracts, the ledger 5"
            answer = await stage.reconciler.adopt(content_hash([str(found)]), "anna", "all of it is mine")
            assert isinstance(answer, Done), answer
            assert (stage.booked, engine.state.left_aside) == ((0, 6), {})
            assert await stage.reconciler.run() == ()

    stage.play(main())


# --- orders ----------------------------------------------------------------------------------------------


def test_an_order_of_others_is_let_rest_as_large_as_it_was_seen(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            stage.by_hand(0, -500, "other-bot", rest=90_000)
            await adopted(stage)
            assert await stage.reconciler.run() == ()
            assert len(stage.exchanges[0].orders("me", live_only=True)) == 1, "left where it is"
            stage.by_hand(0, -700, "another", rest=91_000)
            assert len(await stage.reconciler.run()) == 1
            # What it fills is foreign, booked, and halts.
            await stage.engine.drained()
            assert engine.state.trading is not TradingState.ACTIVE

    stage.play(main())


def test_an_order_whose_fills_nobody_tells_any_more_is_written_off(stage: Stage) -> None:
    """The venue says it has filled, and has no fills to show: nothing settles it but a person."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            stage.venues[1].deaf = True
            forget_fills(stage, 1)
            await stage.approve()
            await stage.until(f"submit {WORK}")
            await asyncio.sleep(90)
            assert list(engine.state.unsettled) == [WORK]
            assert stage.held == (0, -3)
            found = await stage.reconciler.run()
            lines = [str(one) for one in found]
            assert lines[1] == (
                f"{LINEAR}: order {WORK} (sell 3) is filled in the ledger, and the venue has it no more"
            )
            event = await adopted(stage)
            assert event.written_off == (WORK,)
            assert engine.state.unsettled == {}
            assert engine.state.trading is TradingState.HALTED
            assert stage.booked == (0, -3)

    stage.play(main())


def test_a_position_is_not_adopted_over_an_order_whose_fills_are_still_coming(stage: Stage) -> None:
    """Adopted too soon, its fills would be taken for what was adopted, and nobody would hedge them."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            stage.venues[1].deaf = True
            forget_fills(stage, 1)
            await stage.approve()
            await stage.until(f"submit {WORK}")
            await asyncio.sleep(5)
            found = await stage.reconciler.run()
            assert str(found[0]) == f"{LINEAR}: the venue holds -3 contracts, the ledger 0"
            answer = await stage.reconciler.adopt(content_hash(map(str, found)), "anna", "in a hurry")
            assert isinstance(answer, Denied)
            assert (answer.code, answer.given) == ("ADOPT_UNDER_WAY", WORK)
            stage.venues[1].deaf = stage.venues[1].forgetful = False
            assert await stage.reconciler.run() == ()
            await asyncio.sleep(2)
            assert stage.held == (24_000, -3)
            assert engine.state.plans["plan1"].unhedged_since is None

    stage.play(main())


# --- bound to what was seen ------------------------------------------------------------------------------


def test_what_has_changed_since_it_was_seen_is_not_adopted(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            forget_fills(stage, 0)
            stage.by_hand(0, 300)
            looked_at = await seen(stage)
            stage.by_hand(0, 100)
            answer = await stage.reconciler.adopt(looked_at, "anna", "300 are mine")
            assert isinstance(answer, Denied)
            assert answer.code == "ADOPT_ALTERED"
            assert stage.booked == (0, 0)
            assert not stage.engine.market.reconciled

    stage.play(main())


def test_nothing_is_adopted_where_nothing_differs(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            answer = await stage.reconciler.adopt("0" * 16, "anna", "to be sure")
            assert isinstance(answer, Denied)
            assert answer.code == "ADOPT_NOTHING"

    stage.play(main())


def test_hedging_goes_on_and_plans_wait_for_a_person(stage: Stage) -> None:
    """A mismatch in the middle of a plan: what has filled is hedged, nothing new goes before adoption and enable."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose(size_xbt=D(1))
            stage.venues[0].deaf = stage.venues[1].deaf = True
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.venues[0].phantom_cash = 500
            await asyncio.sleep(0.1)
            stage.venues[0].deaf = stage.venues[1].deaf = False
            await stage.reconciler.run()
            await asyncio.sleep(2)
            assert stage.held == (40_000, -5), "hedged during the mismatch"
            assert isinstance(await stage.reconciler.adopt(await seen(stage), "anna", "dust"), Done)
            stage.market()
            await asyncio.sleep(2)
            assert stage.held == (40_000, -5)
            await stage.enable()
            async with asyncio.timeout(60):
                while stage.plan.status is PlanStatus.ACTIVE:
                    stage.market()
                    await asyncio.sleep(0.1)
            assert stage.held == (80_000, -10)
            assert not any(e.event.foreign for e in stage.store.recorded if isinstance(e.event, FillBooked))
            assert engine.state.trading is TradingState.ACTIVE

    stage.play(main())


def test_an_adoption_outlives_a_restart(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            forget_fills(stage, 0)
            stage.by_hand(0, 300)
            stage.by_hand(0, -500, "other-bot", rest=90_000)
            await adopted(stage)
        stage.clock.elapsed += 3600
        async with stage.bot(MemoryStore(stage.log, stage.store.recorded)) as engine:
            assert stage.booked == (300, 0), "the fill it stands for is in the venue's history again"
            assert engine.market.reconciled
            assert not any(isinstance(e.event, OrderIntended) for e in stage.store.recorded)

    stage.play(main())
