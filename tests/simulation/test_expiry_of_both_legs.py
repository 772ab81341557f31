"""Through the expiry of both legs, in virtual time: the books, Δ, what is said and what is never assumed.

The golden life, by hand. Christmas 2026: CME's contract ends on the 24th at 16:00 UTC, the inverse one on the 25th at
12:00. Held: 160,000 inverse contracts bought at 80,000 (2 XBT), 20 linear ones of 0.1 XBT sold at 80,600. The index
stands at 82,000 for the hour before the first end, and at 64,000 for the half hour before the second.

* linear: 2 XBT × (80,600 − 82,000) = −2,800 USD
* inverse: 160,000 / 80,000 − 160,000 / 64,000 = 2 − 2.5 = −0.5 XBT
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.errors import Unreachable
from adapters.simulator.exchange.catalog import mbt, xbt_future
from adapters.simulator.exchange.views import BookLevel
from bot.ledger.balances import balances
from bot.model.events import Alerted, FillBooked
from bot.model.trading_state import TradingState
from bot.orders.fold import folded
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Cause
from tests.simulation.stage import ACCOUNT, PRICE, UNIT, Stage

INVERSE, LINEAR = InstrumentId("bitmex", "XBTZ26"), InstrumentId("cme", "MBTZ6")
LINEAR_ENDS = datetime(2026, 12, 24, 16, tzinfo=UTC)
INVERSE_ENDS = datetime(2026, 12, 25, 12, tzinfo=UTC)
CONTRACTS = (xbt_future(2026, 12), mbt(2026, 12))
GONE = f"{LINEAR}: the venue holds 0 contracts, the ledger -20"


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage(contracts=CONTRACTS, start=LINEAR_ENDS - timedelta(hours=3))
    yield made
    made.loop.close()


def go_to(stage: Stage, moment: datetime) -> None:
    stage.clock.elapsed += (moment - stage.clock.now()).total_seconds()
    for exchange in stage.exchanges:
        exchange.step()


def at_price(stage: Stage, inverse: int, linear: int) -> None:
    """Both books a tick wide around their prices, the index at the inverse one's."""
    for exchange, price in zip(stage.exchanges, (inverse, linear), strict=True):
        spec = exchange.specs()[0]
        bid, ask = BookLevel(price * 100, 10**8), BookLevel(price * 100 + spec.tick, 10**8)
        exchange.set_market(spec.symbol, inverse * 100, [bid], [ask])


def trade(stage: Stage) -> None:
    """160,000 at exactly 80,000 and −20 at exactly 80,600, by hand: only the books are under test."""
    at_price(stage, PRICE, PRICE + 600)
    ask = BookLevel(PRICE * 100, 10**8)
    stage.exchanges[0].set_market(INVERSE.symbol, PRICE * 100, [BookLevel(PRICE * 100 - 50, 10**8)], [ask])
    stage.by_hand(0, 160_000)
    stage.by_hand(1, -20)


def alerts(stage: Stage, code: str) -> list[str]:
    told = (entry.event for entry in stage.store.recorded)
    return [event.text for event in told if isinstance(event, Alerted) and event.code == code]


def agree(stage: Stage) -> Decimal:
    """Hold the books against the exchanges' own, to the satoshi and the cent; return Δ by both."""
    books, state = balances(stage.store.recorded), folded(stage.store.recorded)
    views = [exchange.account(ACCOUNT) for exchange in stage.exchanges]
    assert books.cash.get(("bitmex", Currency.XBT), Money(Currency.XBT, 0)).units == views[0].wallet
    assert books.cash["cme", Currency.USD] == Money(Currency.USD, views[1].wallet)
    assert {key: held for key, held in state.positions.items() if held} == books.positions
    assert (state.positions[INVERSE], state.positions[LINEAR]) == stage.held
    assert books.delta_xbt == state.delta() == stage.engine.state.delta()
    told = stage.engine.market.delta_venues
    assert told is not None
    assert abs(told - state.delta()) <= Decimal("0.00001")  # 1,600 lots, half a satoshi each
    return state.delta()


async def hold_still(stage: Stage) -> None:
    """Reconcile until the account has said the same for four minutes."""
    for _ in range(5):
        await stage.reconciler.run()
        stage.clock.elapsed += 61


def test_through_both_ends_the_books_equal_the_venues(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            trade(stage)
            await asyncio.sleep(1)
            assert await stage.reconciler.run() == ()
            inverse_fee, linear_fee = 100_000, 20 * 237_000_000  # 0.05 % of 2 XBT; 2.37 USD a contract
            before = agree(stage)
            assert before == Decimal(20 * UNIT + 2 * UNIT - 2 * UNIT - inverse_fee) / UNIT

            at_price(stage, 82_000, 82_600)
            go_to(stage, LINEAR_ENDS - timedelta(seconds=1))
            at_price(stage, 82_000, 82_600)
            go_to(stage, LINEAR_ENDS + timedelta(seconds=1))
            await hold_still(stage)
            assert await stage.reconciler.run() == ()
            # The linear leg is cash: −2,800 USD; the inverse one's 2 XBT are naked.
            assert stage.held == (160_000, 0)
            assert agree(stage) == before + 2
            wallet = balances(stage.store.recorded).cash["cme", Currency.USD]
            assert wallet.units == 50_000_000 * UNIT - 2_800 * UNIT - linear_fee
            assert alerts(stage, "SETTLED_LEG")[-1] == (
                f"{LINEAR} has expired: -20 contracts settled at 82000.00; Δ is {before + 2:+.8f} XBT; "
                f"open: {INVERSE} +160000 (until 2026-12-25 12:00Z)"
            )

            go_to(stage, LINEAR_ENDS + timedelta(hours=2))
            await engine.drained()
            assert alerts(stage, "SETTLED_LEG")[-1].startswith(
                f"STILL, since {LINEAR} has settled: Δ is +21."
            )

            at_price(stage, 64_000, 64_000)
            go_to(stage, INVERSE_ENDS + timedelta(seconds=1))
            await asyncio.sleep(1)
            assert await stage.reconciler.run() == ()
            assert stage.held == (0, 0)
            assert agree(stage) == before - Decimal("0.5")
            wallet = balances(stage.store.recorded).cash["bitmex", Currency.XBT]
            assert wallet.units == 20 * UNIT - 50_000_000 - inverse_fee
            settled = [
                (entry.event.fill.instrument, entry.event.fill.signed_quantity, entry.event.fill.price)
                for entry in stage.store.recorded
                if isinstance(entry.event, FillBooked) and entry.event.fill.cause is Cause.SETTLEMENT
            ]
            assert settled == [(LINEAR, 20, Decimal(82_000)), (INVERSE, -160_000, Decimal(64_000))]
            assert not any("adopted" in text for text in alerts(stage, "RECONCILE_MISMATCH"))
            assert engine.state.trading is TradingState.DISABLED  # as it was

    stage.play(main())


def test_before_the_expiry_a_missing_position_is_a_mismatch_and_nothing_else(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            trade(stage)
            await asyncio.sleep(1)
            stage.venues[1].phantom = 20  # the broker shows none
            await hold_still(stage)
            assert next(map(str, await stage.reconciler.run())) == GONE
            assert stage.booked_in(LINEAR) == -20
            assert alerts(stage, "SETTLED_LEG") == []

    stage.play(main())


def test_no_answer_and_one_look_are_no_proof(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            trade(stage)
            await asyncio.sleep(1)
            at_price(stage, 82_000, 82_600)
            go_to(stage, LINEAR_ENDS + timedelta(seconds=1))
            await stage.reconciler.run()
            stage.clock.elapsed += 239
            await stage.reconciler.run()
            assert stage.booked_in(LINEAR) == -20
            stage.venues[1].silent = True
            stage.clock.elapsed += 10
            with pytest.raises(Unreachable):
                await stage.reconciler.run()
            assert stage.booked_in(LINEAR) == -20
            stage.venues[1].silent = False
            assert await stage.reconciler.run() == ()
            assert stage.booked_in(LINEAR) == 0

    stage.play(main())


@pytest.mark.parametrize(
    ("cash", "why"),
    [
        (-60_000, "2 XBT at 112,000: no such price"),
        (200_000, "less than nothing"),
    ],
)
def test_cash_that_no_price_explains_is_left_to_a_person(stage: Stage, cash: int, why: str) -> None:
    async def main() -> None:
        async with stage.bot():
            trade(stage)
            await asyncio.sleep(1)
            at_price(stage, 82_000, 82_600)
            go_to(stage, LINEAR_ENDS + timedelta(seconds=1))
            stage.venues[1].phantom_cash = cash * UNIT
            await hold_still(stage)
            found = [str(one) for one in await stage.reconciler.run()]
            assert found[0] == GONE, why
            assert stage.booked_in(LINEAR) == -20
            assert alerts(stage, "SETTLED_LEG") == []

    stage.play(main())


def test_cash_that_still_moves_is_waited_for(stage: Stage) -> None:
    """The position is gone, its last result comes three minutes later: the first price is never booked."""

    async def main() -> None:
        async with stage.bot():
            trade(stage)
            await asyncio.sleep(1)
            at_price(stage, 82_000, 82_600)
            go_to(stage, LINEAR_ENDS + timedelta(seconds=1))
            stage.venues[1].phantom_cash = 1_000 * UNIT  # as if settled at 81,500
            for _ in range(3):
                await stage.reconciler.run()
                stage.clock.elapsed += 60
            stage.venues[1].phantom_cash = 0
            await hold_still(stage)
            assert await stage.reconciler.run() == ()
            agree(stage)
            told = alerts(stage, "SETTLED_LEG")
            assert ["81500.00" in told[0], "82000.00" in told[1], "settled at 82000.00" in told[2]] == [
                True
            ] * 3

    stage.play(main())


def test_in_an_ordinary_month_the_inverse_leg_ends_first() -> None:
    """January 2027: 12:00 UTC against 16:00 London. −2 XBT stand alone for four hours, then nothing does."""
    inverse, linear = xbt_future(2027, 1), mbt(2027, 1)
    first, last = datetime(2027, 1, 29, 12, tzinfo=UTC), datetime(2027, 1, 29, 16, tzinfo=UTC)
    assert (inverse.expiry, linear.expiry) == (first, last)
    stage = Stage(contracts=(inverse, linear), start=first - timedelta(hours=3))

    async def main() -> None:
        async with stage.bot():
            at_price(stage, PRICE, PRICE + 600)
            stage.by_hand(0, 160_000)
            stage.by_hand(1, -20)
            await asyncio.sleep(1)
            at_price(stage, 64_000, 64_400)
            go_to(stage, first + timedelta(seconds=1))
            await asyncio.sleep(1)
            assert await stage.reconciler.run() == ()
            wallet = Decimal(stage.exchanges[0].account(ACCOUNT).wallet) / UNIT
            assert stage.engine.state.delta() == balances(stage.store.recorded).delta_xbt == wallet - 2
            assert "+160000 contracts settled at 64000" in alerts(stage, "SETTLED_LEG")[-1]
            at_price(stage, 66_000, 66_000)
            go_to(stage, last + timedelta(seconds=1))
            await hold_still(stage)
            assert await stage.reconciler.run() == ()
            assert stage.held == (0, 0)
            assert stage.engine.state.delta() == balances(stage.store.recorded).delta_xbt == wallet

    stage.play(main())


# --- what the venue does to a position while it lives ------------------------------------------------------


def test_deleveraging_is_booked_with_its_cause(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            trade(stage)
            await asyncio.sleep(1)
            await stage.enable()
            stage.exchanges[0].deleverage(ACCOUNT, INVERSE.symbol, 40_000, 64_000 * 100)
            await asyncio.sleep(1)
            assert await stage.reconciler.run() == ()
            # 0.5 XBT at cost sold for 0.625: a long that is taken off below its entry loses 0.125.
            agree(stage)
            assert stage.held == (120_000, -20)
            assert alerts(stage, "DELEVERAGED") == [
                f"{INVERSE}: sell 40000 at 64000: the venue closed it against somebody's bankrupt position"
            ]
            assert engine.state.trading is TradingState.HALTED
            assert alerts(stage, "RECONCILE_MISMATCH") == []

    stage.play(main())


def test_a_liquidation_is_booked_with_its_cause(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            trade(stage)
            stage.by_hand(0, 1_440_000)  # 20 XBT in all, on a wallet of 20
            await asyncio.sleep(1)
            await stage.enable()
            at_price(stage, 39_000, 39_600)
            go_to(stage, stage.clock.now())
            await asyncio.sleep(1)
            assert await stage.reconciler.run() == ()
            agree(stage)
            assert stage.held == (0, -20)
            assert "want of margin" in alerts(stage, "LIQUIDATED")[0]
            assert engine.state.trading is TradingState.HALTED

    stage.play(main())
