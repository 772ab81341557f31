"""Trades restated and taken back: afterwards the books are those of a life in which the right trade happened."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulator.exchange.events import (
    AccountChanged,
    BookChanged,
    Executed,
    OrderChanged,
    PositionChanged,
)
from adapters.simulator.exchange.orders import ExecKind, Side, Status, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from tests.unit.simulator.support import Bench, dollars, inverse_bench, levels, linear_bench

SECOND = timedelta(seconds=1)
SIDES = st.sampled_from(Side)
TRADE = st.tuples(SIDES, st.integers(1, 40), st.integers(19_000, 21_000))
HISTORY = st.lists(TRADE, min_size=1, max_size=12)
CHANGE = st.tuples(st.integers(0, 11), st.integers(0, 100), st.integers(19_000, 21_000))


def play(bench: Bench, history: list[tuple[Side, int, int]], lot: int) -> None:
    for side, lots, ticks in history:
        if lots:
            bench.trade(side, lots * lot, ticks * 5)
        bench.clock.advance(SECOND)


def books(bench: Bench) -> tuple[object, ...]:
    bench.market(levels((100_000, 100)), levels((100_005, 100)))
    view, account = bench.exchange.position("me", bench.spec.symbol), bench.exchange.account("me")
    return (
        view.contracts,
        view.cost,
        view.realised,
        view.entry,
        account.wallet,
        account.balance,
        account.available,
    )


@settings(max_examples=150)
@given(HISTORY, st.lists(CHANGE, min_size=1, max_size=4), st.booleans())
def test_a_history_corrected_stands_as_if_it_had_been_right(
    history: list[tuple[Side, int, int]], changes: list[tuple[int, int, int]], inverse: bool
) -> None:
    def bench() -> Bench:
        return inverse_bench(wallet=10**12) if inverse else linear_bench(wallet=10**18)

    wrong, right = bench(), bench()
    lot = wrong.spec.lot
    play(wrong, history, lot)
    trades = [one.exec_id for one in wrong.exchange.executions("me")]
    for place, share, ticks in changes:
        place %= len(history)
        side, lots, _ = history[place]
        history[place] = side, lots * share // 100, ticks
        if lots:
            quantity = lots * share // 100 * lot
            wrong.exchange.correct("me", trades[place], quantity=quantity, price=dollars(ticks * 5))
    play(right, history, lot)
    assert books(wrong) == books(right)
    standing = [one for one in wrong.exchange.standing("me") if one.quantity]
    assert [(one.side, one.quantity, one.price, one.cost, one.fee, one.realised) for one in standing] == [
        (one.side, one.quantity, one.price, one.cost, one.fee, one.realised)
        for one in right.exchange.executions("me")
    ]
    # The executions told, added up, are the wallet as well.
    told = wrong.exchange.executions("me")
    deposit = 10**12 if inverse else 10**18
    assert wrong.wallet == deposit + sum(one.realised - one.fee_change for one in told)


def test_a_bust_takes_all_of_it_back_and_the_order_ends_with_less() -> None:
    """20 lots in two fills at 80,000 and 80,005; the first 5 are taken back. Fees by hand: 0.05 % of value."""
    bench = inverse_bench()
    bench.market([], levels((80_000, 500), (80_005, 1_500)))
    order = bench.place(Side.BUY, 2_000, 80_005)
    assert order.status is Status.FILLED
    first, second = bench.exchange.executions("me")
    bench.events.clear()
    stands = bench.exchange.bust("me", first.exec_id)
    assert (stands.kind, stands.quantity, stands.cost, stands.fee, stands.revision) == (
        ExecKind.BUST,
        0,
        0,
        0,
        2,
    )
    assert stands.first is first
    assert bench.contracts == 1_500
    assert second.cost == 15 * 124_992  # round(1e10 / 80,005) a lot
    assert bench.wallet == 10**9 - 937  # 0.05 % of 1,874,880
    after = bench.exchange.order("me", order.order_id)
    assert after is not None
    assert (after.status, after.cum, after.leaves, after.notional) == (
        Status.CANCELED,
        1_500,
        0,
        1_500 * dollars(80_005),
    )
    kinds = [type(event) for event in bench.events]
    assert kinds == [Executed, OrderChanged, PositionChanged, AccountChanged, BookChanged]
    # Nothing of what was told before is gone.
    assert bench.exchange.executions("me") == [first, second, stands]


def test_what_a_live_order_lost_is_worked_again() -> None:
    bench = linear_bench()
    bench.market(levels((80_000, 10)), levels((80_010, 3)))
    order = bench.place(Side.BUY, 5, 80_010, Tif.GTC)
    [trade] = bench.exchange.executions("me")
    bench.exchange.correct("me", trade.exec_id, quantity=1)
    live = bench.exchange.order("me", order.order_id)
    assert live is not None
    assert (live.status, live.cum, live.leaves) == (Status.PARTIALLY_FILLED, 1, 4)
    bench.exchange.bust("me", trade.exec_id)
    live = bench.exchange.order("me", order.order_id)
    assert live is not None
    assert (live.status, live.cum, live.leaves, bench.contracts) == (Status.NEW, 0, 5, 0)
    bench.market(levels((79_990, 10)), levels((80_000, 9)))
    live = bench.exchange.order("me", order.order_id)
    assert live is not None
    assert (live.status, live.cum, bench.contracts) == (Status.FILLED, 5, 5)


def test_both_sides_of_a_match_are_put_right() -> None:
    bench = inverse_bench()
    bench.exchange.open_account("other")
    bench.exchange.deposit("other", 10**9)
    bench.market(levels((79_000, 100)), levels((81_000, 100)))
    bench.place(Side.SELL, 300, 80_000, Tif.GTC, account="other")
    bench.place(Side.BUY, 300, 80_000)
    [mine] = bench.exchange.executions("me")
    bench.exchange.correct("me", mine.exec_id, quantity=200, price=dollars(80_100))
    ours, theirs = (bench.exchange.position(name, "XBTUSD") for name in ("me", "other"))
    assert (ours.contracts, theirs.contracts) == (200, -200)
    assert ours.cost == -theirs.cost == 2 * 124_844
    bench.exchange.bust("me", mine.exec_id)
    assert [bench.exchange.position(name, "XBTUSD").contracts for name in ("me", "other")] == [0, 0]
    assert [bench.exchange.account(name).wallet for name in ("me", "other")] == [10**9, 10**9]


def test_the_broker_counts_corrections_at_the_end_of_the_id() -> None:
    bench = linear_bench()
    bench.trade(Side.BUY, 2, 80_000)
    [trade] = bench.exchange.executions("me")
    stem = trade.exec_id.removesuffix(".01")
    assert bench.exchange.correct("me", trade.exec_id, quantity=1).exec_id == f"{stem}.02"
    assert bench.exchange.bust("me", trade.exec_id).exec_id == f"{stem}.03"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": 300}, RefusalCode.QUANTITY),
        ({"quantity": -100}, RefusalCode.QUANTITY),
        ({"quantity": 150}, RefusalCode.LOT),
        ({"price": 8_000_001}, RefusalCode.TICK),
        ({"price": 0}, RefusalCode.TICK),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(change: dict[str, int], code: RefusalCode) -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 200, 80_000)
    [trade] = bench.exchange.executions("me")
    before = books(bench)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.correct("me", trade.exec_id, **change)
    assert refused.value.code is code
    assert books(bench) == before


def test_only_a_trade_that_stands_can_be_taken_back() -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 200, 80_000)
    [trade] = bench.exchange.executions("me")
    bench.exchange.bust("me", trade.exec_id)
    for name in (trade.exec_id, "no such trade"):
        with pytest.raises(ExchangeRefusal) as refused:
            bench.exchange.bust("me", name)
        assert refused.value.code is RefusalCode.UNKNOWN_TRADE
