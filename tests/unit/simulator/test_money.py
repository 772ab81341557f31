"""Cash: that nothing is made or lost between wallet, position and executions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.exchange.events import AccountChanged, CashMoved, Executed, PositionChanged
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import ExecKind, Side
from adapters.simulator.exchange.views import CashKind
from tests.unit.simulator.support import START, USD, Bench, dollars, inverse_bench, levels, linear_bench

HOURS = timedelta(hours=8)


def check_invariant(bench: Bench, deposited: int) -> None:
    """wallet ± cost = deposits + Σ exec costs − fees + funding; + for inverse, − for linear."""
    sign = 1 if bench.spec.is_inverse else -1
    trades = [one for one in bench.exchange.executions("me") if one.kind is ExecKind.TRADE]
    funding = sum(one.amount for one in bench.exchange.cash("me") if one.kind is CashKind.FUNDING)
    position = bench.exchange.position("me", bench.spec.symbol)
    expected = deposited + sign * sum(one.cost for one in trades) - sum(one.fee for one in trades) + funding
    assert bench.wallet + sign * position.cost == expected
    assert position.contracts == sum(one.side.sign * one.quantity for one in trades)
    assert position.realised == sum(one.realised for one in trades)
    if position.contracts == 0:
        assert position.cost == 0
        assert position.realised == sign * sum(one.cost for one in trades)


TRADES = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 60), st.integers(100_000, 1_000_000), st.booleans()),
    max_size=25,
)


@given(TRADES)
def test_inverse_wallet_and_cost_move_by_executions_fees_and_funding_alone(
    trades: list[tuple[Side, int, int, bool]],
) -> None:
    bench = inverse_bench(wallet=10**12, funding=FundingSchedule(rate=375))
    for side, lots, ticks, funded in trades:
        bench.trade(side, lots * 100, ticks / 10)
        if funded:
            bench.clock.advance(HOURS)
            bench.exchange.step()
        check_invariant(bench, 10**12)


@given(TRADES)
def test_linear_wallet_and_cost_move_by_executions_and_fees_alone(
    trades: list[tuple[Side, int, int, bool]],
) -> None:
    bench = linear_bench(wallet=10**18)
    for side, contracts, price, _ in trades:
        bench.trade(side, contracts, price // 500 * 5)
        check_invariant(bench, 10**18)


def test_a_round_trip_of_the_guides() -> None:
    """10,000 long, 20,000 → 21,000, fee 0.075 %, funding 2 × 0.01 %: 0.022978 XBT are left."""
    bench = inverse_bench(wallet=10**9, taker_fee=750, funding=FundingSchedule(rate=100))
    bench.trade(Side.BUY, 10_000, 20_000)
    for _ in range(2):
        bench.clock.advance(HOURS)
        bench.market(levels((19_999, 100)), levels((20_001, 100)), index=20_000)
        bench.exchange.step()
    bench.trade(Side.SELL, 10_000, 21_000)
    assert [one.fee for one in bench.exchange.executions("me")] == [37_500, 5_000, 5_000, 35_714]
    assert bench.wallet - 10**9 == 2_381_000 - 37_500 - 35_714 - 10_000
    assert round((bench.wallet - 10**9) / 10**8, 6) == 0.022978


def test_a_flip_closes_and_opens_at_the_same_price() -> None:
    bench = inverse_bench(taker_fee=0)
    bench.trade(Side.BUY, 10_000, 20_000)
    bench.trade(Side.SELL, 15_000, 21_000)
    position = bench.exchange.position("me", "XBTUSD")
    assert (position.contracts, position.cost) == (-5_000, -23_809_500)
    assert position.realised == 2_381_000
    assert position.entry is not None
    assert round(position.entry, 1) == 21_000


def test_average_entry_is_harmonic_for_inverse_and_arithmetic_for_linear() -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 100, 10_000)
    bench.trade(Side.BUY, 100, 30_000)
    entry = bench.exchange.position("me", "XBTUSD").entry
    assert entry is not None
    assert abs(entry - 15_000) < 1
    broker = linear_bench()
    broker.trade(Side.SELL, 1, 10_000)
    broker.trade(Side.SELL, 3, 30_000)
    assert broker.exchange.position("me", "MBTZ6").entry == 25_000


def test_funding_is_paid_by_longs_and_told_as_no_trade() -> None:
    bench = inverse_bench(funding=FundingSchedule(rate=100))
    bench.trade(Side.BUY, 10_000, 20_000)
    ticker = bench.exchange.ticker("XBTUSD")
    assert ticker.next_funding == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert ticker.mark == dollars(20_000.75)  # three hours of eight are left: 20,000 × (1 + 0.01 % × 3/8)
    before = bench.wallet
    bench.clock.advance(timedelta(hours=3))
    bench.events.clear()
    bench.exchange.step()
    assert bench.wallet == before - 5_000
    assert [type(event) for event in bench.events] == [Executed, CashMoved, PositionChanged, AccountChanged]
    paid = bench.exchange.executions("me")[-1]
    assert (paid.kind, paid.quantity, paid.fee) == (ExecKind.FUNDING, 10_000, 5_000)
    bench.exchange.step()
    assert bench.wallet == before - 5_000
    assert bench.contracts == 10_000


@pytest.mark.parametrize(("side", "rate", "received"), [(Side.SELL, 100, 5_000), (Side.BUY, -250, 12_500)])
def test_the_other_side_receives_it(side: Side, rate: int, received: int) -> None:
    bench = inverse_bench(funding=FundingSchedule(rate=rate, interval=timedelta(seconds=10)))
    bench.trade(side, 10_000, 20_000)
    before = bench.wallet
    bench.clock.advance(timedelta(seconds=10))
    bench.exchange.step()
    assert bench.wallet == before + received


def test_every_missed_interval_is_paid() -> None:
    bench = inverse_bench(funding=FundingSchedule(rate=100))
    bench.trade(Side.BUY, 10_000, 20_000)
    before = bench.wallet
    bench.clock.advance(timedelta(hours=20))
    bench.exchange.step()
    assert bench.wallet == before - 15_000


def test_deposits_are_told() -> None:
    bench = linear_bench(wallet=0)
    entry = bench.exchange.deposit("me", 5 * USD)
    assert [type(event) for event in bench.events] == [CashMoved, AccountChanged]
    assert (entry.kind, entry.amount, entry.wallet, entry.at) == (CashKind.DEPOSIT, 5 * USD, 5 * USD, START)
    assert bench.exchange.cash("me") == [entry]
    assert bench.exchange.deposit("me", -2 * USD).kind is CashKind.WITHDRAWAL


def test_recorded_funding_is_paid_when_it_fell_due_and_announced_before() -> None:
    """12:00 and 20:00 are recorded, 04:00 is not; a payment is that of its own time, and not the next one's."""
    first = FundingSchedule().next_after(START)
    recorded = {first: 1_000, first + HOURS: -250}
    bench = inverse_bench(wallet=10**9, funding=FundingSchedule(100, recorded=recorded))
    bench.trade(Side.BUY, 10_000, 20_000)
    assert bench.exchange.ticker("XBTUSD").funding_rate == 1_000
    for number in range(3):
        bench.clock.advance(first - START if not number else HOURS)
        bench.market(levels((19_999, 100)), levels((20_001, 100)), index=20_000)
        bench.exchange.step()
    paid = [entry.amount for entry in bench.exchange.cash("me") if entry.kind is CashKind.FUNDING]
    assert paid == [-50_000, 12_500, -5_000]  # 0.5 XBT × 0.1 %, −0.025 %, 0.01 %
