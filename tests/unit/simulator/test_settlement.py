"""Expiry: averages, settlement executions, and what becomes of orders."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.simulator.exchange.catalog import mbt, xbt_future
from adapters.simulator.exchange.events import (
    AccountChanged,
    BookChanged,
    Executed,
    PositionChanged,
    SessionChanged,
)
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Side, Status, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.settlement import IndexHistory, brr, twap
from tests.unit.simulator.support import USD, XBT, Bench, ManualClock, dollars, levels

END = datetime(2026, 12, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_twap_weighs_by_time_and_looks_back_thirty_minutes() -> None:
    history = IndexHistory()
    history.note(END - 50 * MINUTE, dollars(5_000))
    history.note(END - 40 * MINUTE, dollars(10_000))
    history.note(END - 20 * MINUTE, dollars(11_000))
    history.note(END - 5 * MINUTE, dollars(20_000))
    history.note(END + 5 * MINUTE, dollars(90_000))
    # 10 minutes of 10,000, 15 of 11,000, 5 of 20,000
    assert twap(history, END) == dollars((10 * 10_000 + 15 * 11_000 + 5 * 20_000) / 30)


def test_the_reference_rate_is_a_mean_of_medians() -> None:
    history = IndexHistory()
    history.note(END - 60 * MINUTE, dollars(10_000))
    history.note(
        END - 9 * MINUTE, dollars(99_000)
    )  # one minute of the second to last part: no median sees it
    history.note(END - 8 * MINUTE, dollars(10_000))
    history.note(END - 3 * MINUTE, dollars(11_200))  # three of the last five minutes
    assert brr(history, END) == dollars((11 * 10_000 + 11_200) / 12)


def test_a_history_forgets_what_no_average_can_need() -> None:
    history = IndexHistory(span=10 * MINUTE)
    for minute in range(100):
        history.note(END + minute * MINUTE, minute)
    assert history.between(END, END + 100 * MINUTE)[0] == (89, MINUTE // timedelta(microseconds=1))


def test_nothing_known_gives_no_average() -> None:
    assert twap(IndexHistory(), END) is None
    assert brr(IndexHistory(), END) is None


def test_an_inverse_future_becomes_cash_at_its_average() -> None:
    clock = ManualClock(END - timedelta(hours=2))
    spec = xbt_future(2026, 12)
    bench = Bench(Exchange("bitmex", [spec], INVERSE_RULES, clock), clock, spec, XBT)
    bench.trade(Side.SELL, 10_000, 20_000)
    order = bench.place(Side.BUY, 100, 5_000, Tif.GTC)
    for minutes, index in ((45, 20_000), (30, 10_000), (15, 30_000)):
        clock.advance(END - minutes * MINUTE - clock.now())
        bench.market(levels((index - 1, 100)), levels((index + 1, 100)), index=index)
        bench.exchange.step()
    clock.advance(15 * MINUTE)
    wallet = bench.wallet
    bench.events.clear()
    bench.exchange.step()
    settled = bench.exchange.executions("me")[-1]
    assert (settled.kind, settled.side, settled.quantity, settled.price, settled.fee, settled.order_id) == (
        ExecKind.SETTLEMENT,
        Side.BUY,
        10_000,
        dollars(20_000),
        0,
        "",
    )
    assert bench.contracts == 0
    assert bench.wallet == wallet + settled.realised == wallet
    ended = bench.exchange.order("me", order.order_id)
    assert ended is not None
    assert ended.status is Status.CANCELED
    ticker = bench.exchange.ticker(spec.symbol)
    assert (ticker.settlement, ticker.mark) == (dollars(20_000), dollars(20_000))
    assert [type(event) for event in bench.events[1:]] == [
        Executed,
        PositionChanged,
        AccountChanged,
        SessionChanged,
        BookChanged,
    ]
    count = len(bench.events)
    bench.market(levels((50_000, 100)), levels((50_001, 100)))
    bench.exchange.step()
    assert len(bench.events) == count
    assert bench.exchange.book(spec.symbol).bids == ()
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 100, 20_000)
    assert refused.value.code is RefusalCode.EXPIRED_CONTRACT


def test_a_cme_future_pays_the_difference_in_dollars_at_sixteen_hours_london() -> None:
    spec = mbt(2026, 12)
    assert spec.expiry == datetime(2026, 12, 24, 16, tzinfo=UTC)
    clock = ManualClock(spec.expiry - timedelta(hours=2))
    bench = Bench(Exchange("cme", [spec], LINEAR_RULES, clock), clock, spec, 1_000_000 * USD)
    bench.trade(Side.BUY, 10, 80_000)
    wallet = bench.wallet
    bench.market(levels((84_000, 1)), levels((84_005, 1)), index=83_000.5)
    clock.advance(timedelta(hours=2))
    bench.exchange.step()
    assert bench.contracts == 0
    assert bench.wallet - wallet == 3_000 * USD + USD // 2  # 1 XBT × (83,000.50 − 80,000)
    assert bench.exchange.executions("me")[-1].kind is ExecKind.SETTLEMENT
