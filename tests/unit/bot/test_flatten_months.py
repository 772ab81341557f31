"""The emergency command over a linear leg in two months: half-rolled, it all goes, and the legs stay matched."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.simulator.exchange.catalog import mbt, xbt_future
from adapters.simulator.exchange.events import ExchangeEvent, Executed
from adapters.simulator.exchange.orders import NewOrder, Side, Tif
from adapters.simulator.exchange.views import BookLevel
from bot.flatten import Ending, Options
from tests.unit.bot.flatten_bench import ACCOUNT, DEEP, MBT, PRICE, Bench, dollars

CLIP = Decimal("1.001")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, MBT, months=(mbt(2027, 3),)) as made:
        yield made


@pytest.mark.parametrize(
    ("rolled", "inverse", "linear"), [(-10, 240_000, -30), (10, -240_000, 30), (-30, 240_000, -30)]
)
def test_both_months_go_in_pairs_with_the_inverse_leg(
    bench: Bench, rolled: int, inverse: int, linear: int
) -> None:
    bench.hold(inverse, linear)
    bench.roll(rolled)
    assert (bench.held, bench.held_later) == ((inverse, linear - rolled), rolled)
    bench.imbalances.clear()
    outcome = bench.flat(bench.venues())
    assert outcome.flat
    assert (bench.held, bench.held_later) == ((0, 0), 0)
    assert max(bench.imbalances) <= CLIP
    assert set(outcome.positions.values()) == {0}


def test_the_plan_shows_both_months(bench: Bench) -> None:
    bench.hold(240_000, -30)
    bench.roll(-10)
    shown = "\n".join(bench.plan(bench.venues()))
    assert "cme:MBTZ6: -20 contracts" in shown
    assert "cme:MBTH7: -10 contracts, another month of the same leg" in shown
    assert "then cme:MBTH7 +10 likewise" in shown
    assert "alone" not in shown


def test_a_hedge_that_is_held_is_counted_over_both_months(bench: Bench) -> None:
    """The wallet is 20 XBT: of 30 XBT short in two months 20 stay, and of the inverse leg nothing."""
    bench.hold(800_000, -300)
    bench.roll(-100)
    outcome = bench.flat(bench.venues(), options=Options(watch=0, hold_hedge=True))
    assert outcome.flat
    wallet = bench.exchanges[0].account(ACCOUNT).wallet / 10**8
    kept = -(bench.held[1] + bench.held_later) / 10
    assert wallet - 0.1 <= kept <= wallet
    assert bench.held[0] == 0


def test_a_month_that_cannot_be_loaded_keeps_nothing_else_open(bench: Bench) -> None:
    bench.hold(240_000, -30)
    bench.months = (mbt(2027, 6),)  # what the profile says; the venue has never heard of it
    outcome = bench.flat(bench.venues())
    assert bench.held == (0, 0)
    assert outcome.ending is Ending.FLAT
    assert any("cme:MBTM7 CANNOT BE LOOKED AT" in line for line in bench.said)


def test_an_inverse_leg_in_two_contracts_is_closed_in_both(tmp_path: Path) -> None:
    with Bench(tmp_path, futures=(xbt_future(2027, 3),), rolls_futures=True) as bench:
        bench.hold(160_000, -30)
        future = hold_future(bench, 80_000)
        outcome = bench.flat(bench.venues())
        assert outcome.flat
        assert bench.held == (0, 0)
        assert bench.exchanges[0].position(ACCOUNT, future).contracts == 0


def hold_future(bench: Bench, contracts: int) -> str:
    """Come to so many contracts of the inverse leg's other month."""
    future, side = bench.futures[0].symbol, Side.BUY if contracts > 0 else Side.SELL
    bid, ask = (BookLevel(dollars(PRICE) + tick, DEEP) for tick in (-50, 50))
    bench.exchanges[0].set_market(future, dollars(PRICE), [bid], [ask])
    order = NewOrder(future, side, abs(contracts), dollars(PRICE + 400 * side.sign), Tif.IOC)
    bench.exchanges[0].place(ACCOUNT, order)
    return future


@pytest.mark.parametrize(("here", "there"), [(-800_000, -1_600_000), (-1_600_000, -800_000)])
def test_a_hedge_that_is_held_is_counted_over_both_inverse_contracts(
    tmp_path: Path, here: int, there: int
) -> None:
    """The wallet is 20 XBT: of 30 XBT short in two contracts 20 stay."""
    with Bench(tmp_path, futures=(xbt_future(2027, 3),), rolls_futures=True) as bench:
        bench.hold(here, 0)
        future = hold_future(bench, there)
        outcome = bench.flat(bench.venues(), options=Options(watch=0, hold_hedge=True))
        assert outcome.flat
        wallet = Decimal(bench.exchanges[0].account(ACCOUNT).wallet) / 10**8
        contracts = bench.exchanges[0].position(ACCOUNT, future).contracts
        kept = -Decimal(bench.held[0] + contracts) / PRICE
        assert wallet - Decimal("0.1") <= kept <= wallet + Decimal("0.01")
        # What stays is nobody's to close by hand.
        assert [leg.advice for leg in outcome.legs] == ["", "", ""]
        assert sum(leg.goal for leg in outcome.legs) == bench.held[0] + contracts


def test_the_linear_leg_is_not_closed_while_the_inverse_leg_turns_to_its_other_contract(
    tmp_path: Path,
) -> None:
    """An order that ends the first contract goes without an answer: what is held of the second is hedged meanwhile."""
    with Bench(tmp_path, futures=(xbt_future(2027, 3),), rolls_futures=True) as bench:
        bench.hold(80_000, -30)
        future = hold_future(bench, 160_000)
        naked: list[Decimal] = []

        def watch(event: ExchangeEvent) -> None:
            if isinstance(event, Executed):
                held = bench.exchanges[0].position(ACCOUNT, future).contracts
                naked.append(abs(bench.naked + Decimal(held) / PRICE))

        for exchange in bench.exchanges:
            exchange.subscribe(watch)
        inverse, linear = bench.venues()
        inverse.delay, inverse.mute_about_orders = 0.5, True

        def answers() -> None:
            inverse.delay, inverse.mute_about_orders = 0.0, False

        bench.later(20, answers)
        outcome = bench.flat((inverse, linear))
        assert outcome.flat
        assert max(naked) <= CLIP


def test_the_plan_shows_both_inverse_contracts(tmp_path: Path) -> None:
    with Bench(tmp_path, futures=(xbt_future(2027, 3),), rolls_futures=True) as bench:
        bench.hold(160_000, -30)
        hold_future(bench, 80_000)
        shown = "\n".join(bench.plan(bench.venues()))
        assert "then bitmex:XBTH27 -80,000 likewise, in pairs with what is left of cme:MBTZ6" in shown
        assert "alone" not in shown


def test_what_is_left_in_another_inverse_contract_is_told(tmp_path: Path) -> None:
    """80,000 contracts of a future that nobody bids for, asked at 80,000.5: 0.99999375 XBT."""
    with Bench(tmp_path, futures=(xbt_future(2027, 3),), rolls_futures=True) as bench:
        bench.hold(160_000, -30)
        future = bench.futures[0].symbol
        bench.exchanges[0].set_market(future, dollars(PRICE), [], [BookLevel(dollars(PRICE) + 50, DEEP)])
        order = NewOrder(future, Side.BUY, 80_000, dollars(PRICE + 400), Tif.IOC)
        bench.exchanges[0].place(ACCOUNT, order)
        bench.exchanges[0].set_market(future, dollars(PRICE), [], [BookLevel(dollars(PRICE) + 50, DEEP)])
        outcome = bench.flat(bench.venues(), 5)
        assert not outcome.flat
        [left] = [leg for leg in outcome.legs if leg.instrument.symbol == future]
        assert left.contracts == 80_000
        assert left.xbt == pytest.approx(Decimal("0.99999375"))
        assert "bitmex" in left.advice
