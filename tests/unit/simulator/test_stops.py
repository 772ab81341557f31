"""Stops, market orders, closing orders, price bands and halts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.simulator.exchange.catalog import mbt, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.events import OrderChanged, SessionChanged
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import ExecKind, NewOrder, Side, SimOrder, Status, Tif, TriggerKind
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from tests.unit.simulator.support import (
    START,
    USD,
    XBT,
    Bench,
    ManualClock,
    dollars,
    inverse_bench,
    levels,
    linear_bench,
)

MARKET = NewOrder("XBTUSD", Side.SELL, 1_000, 0, is_market=True)


def send(bench: Bench, request: NewOrder, account: str = "me") -> SimOrder:
    return bench.exchange.place(account, request)


def state(bench: Bench, order: SimOrder) -> SimOrder:
    found = bench.exchange.order(order.account, order.order_id)
    assert found is not None
    return found


def stop_market(price: float, side: Side = Side.SELL, kind: TriggerKind = TriggerKind.MARK) -> NewOrder:
    return replace(MARKET, side=side, stop=dollars(price), trigger=kind)


def quoted(bench: Bench, middle: float, *, index: float | None = None) -> None:
    """Set a deep book a dollar either side of ``middle``."""
    bench.market(levels((middle - 1, 100_000)), levels((middle + 1, 100_000)), index=index or middle)


def test_a_stop_waits_outside_the_book_without_margin_and_sells_on_the_mark() -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 1_000, 20_000)
    quoted(bench, 20_000)
    before = bench.exchange.account("me")
    order = send(bench, stop_market(19_500))
    assert (order.status, order.triggered, order.is_waiting) == (Status.NEW, False, True)
    assert bench.exchange.account("me") == before
    assert bench.exchange.book("XBTUSD").asks[0].price == dollars(20_001)
    quoted(bench, 19_500.1)
    assert state(bench, order).is_waiting
    bench.events.clear()
    quoted(bench, 19_500)
    ended = state(bench, order)
    assert (ended.status, ended.triggered, ended.average_price_e4) == (
        Status.FILLED,
        True,
        dollars(19_499) * 10_000,
    )
    told = [event.order for event in bench.events if isinstance(event, OrderChanged)]
    assert [(one.triggered, one.cum) for one in told] == [(True, 0), (True, 0), (True, 1_000)]
    assert bench.contracts == 0


@pytest.mark.parametrize(
    ("kind", "middle", "index", "fires"),
    [
        (TriggerKind.INDEX, 20_000, 19_500, True),
        (TriggerKind.INDEX, 19_400, 19_501, False),
        (TriggerKind.MARK, 19_400, 19_501, False),  # the mark of a perpetual is its index and funding
        (TriggerKind.LAST, 19_400, 20_000, True),
        (TriggerKind.LAST, 20_000, 19_400, False),
    ],
)
def test_a_stop_watches_the_price_it_names(
    kind: TriggerKind, middle: float, index: float, fires: bool
) -> None:
    bench = inverse_bench()
    quoted(bench, 20_000)
    order = send(bench, stop_market(19_500, kind=kind))
    quoted(bench, middle, index=index)
    assert state(bench, order).triggered is fires


def test_a_buy_stop_fires_going_up_and_an_if_touched_one_going_down() -> None:
    bench = inverse_bench()
    quoted(bench, 20_000)
    stop = send(bench, stop_market(20_500, Side.BUY))
    touched = send(bench, replace(stop_market(19_500, Side.BUY), if_touched=True))
    quoted(bench, 20_500)
    assert (state(bench, stop).status, state(bench, touched).is_waiting) == (Status.FILLED, True)
    quoted(bench, 19_500)
    assert state(bench, touched).status is Status.FILLED


def test_time_alone_can_fire_a_stop_on_the_mark() -> None:
    bench = inverse_bench(funding=FundingSchedule(rate=1_000))  # 12:00 next: the premium melts from 0.0375 %
    quoted(bench, 20_000)
    order = send(bench, stop_market(20_005))
    assert order.is_waiting
    bench.clock.advance(timedelta(hours=2, minutes=5))
    bench.exchange.step()
    assert state(bench, order).status is Status.FILLED


def test_a_stop_limit_rests_at_its_limit() -> None:
    bench = inverse_bench()
    quoted(bench, 20_000)
    order = send(bench, replace(stop_market(19_500), is_market=False, price=dollars(19_490), tif=Tif.GTC))
    quoted(bench, 19_400)
    resting = state(bench, order)
    assert (resting.triggered, resting.status, resting.leaves) == (True, Status.NEW, 1_000)
    assert bench.exchange.account("me").initial > 0
    assert bench.exchange.book("XBTUSD").asks[0].price == dollars(19_401)
    quoted(bench, 19_600)
    assert state(bench, order).status is Status.FILLED


def test_one_stop_sets_off_the_next() -> None:
    """Each sells through the book and prints the last price that the next one watches."""
    bench = inverse_bench()
    bench.market(
        levels((20_000, 100), (19_900, 1_000), (19_800, 1_000), (19_700, 9_000)), levels((20_001, 100))
    )
    first = send(bench, stop_market(19_950, kind=TriggerKind.LAST))
    second = send(bench, stop_market(19_900, kind=TriggerKind.LAST))
    send(bench, replace(MARKET, quantity=300))
    assert state(bench, first).average_price_e4 == (dollars(19_900) * 800 + dollars(19_800) * 200) * 10
    assert state(bench, second).status is Status.FILLED
    assert bench.contracts == -2_300


def test_a_triggered_stop_without_margin_is_canceled_and_a_reducing_one_is_not() -> None:
    bench = inverse_bench(wallet=2_000_000)
    bench.trade(Side.BUY, 10_000, 20_000)
    quoted(bench, 20_000)
    greedy = send(bench, replace(stop_market(19_990), quantity=100_000))
    careful = send(bench, replace(stop_market(19_990), quantity=100_000, reduce_only=True))
    quoted(bench, 19_980)
    assert (state(bench, greedy).status, state(bench, greedy).cum) == (Status.CANCELED, 0)
    assert "insufficient Available Balance" in state(bench, greedy).reason
    assert state(bench, careful).cum == 10_000
    assert bench.contracts == 0


def test_waiting_reduce_only_stops_are_not_trimmed_to_the_position() -> None:
    bench = inverse_bench()
    quoted(bench, 20_000)
    order = send(bench, replace(stop_market(19_500), reduce_only=True))
    bench.trade(Side.BUY, 400, 20_000)
    assert state(bench, order).quantity == 1_000
    quoted(bench, 19_400)
    assert (state(bench, order).cum, bench.contracts) == (400, 0)


def test_close_on_trigger_clears_its_way() -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 1_000, 20_000)
    quoted(bench, 20_000)
    take_profit = bench.place(Side.SELL, 1_000, 21_000, Tif.GTC)
    closing = send(bench, replace(stop_market(19_500), close_on_trigger=True))
    assert closing.reduce_only
    quoted(bench, 19_500)
    assert state(bench, take_profit).status is Status.CANCELED
    assert (state(bench, closing).cum, bench.contracts) == (1_000, 0)


def test_a_stop_can_be_moved_until_it_triggers() -> None:
    bench = inverse_bench()
    quoted(bench, 20_000)
    order = send(bench, stop_market(19_500))
    moved = bench.exchange.amend("me", order.order_id, stop=dollars(19_000), quantity=500)
    assert (moved.stop, moved.price, moved.quantity) == (dollars(19_000), dollars(19_000), 500)
    quoted(bench, 19_400)
    fired = bench.exchange.amend("me", order.order_id, stop=dollars(19_450))
    assert (fired.status, fired.cum) == (Status.FILLED, 500)
    limit = bench.place(Side.BUY, 100, 19_000, Tif.GTC)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.amend("me", limit.order_id, stop=dollars(19_000))
    assert refused.value.code is RefusalCode.STOP_PRICE


def test_stops_are_counted_apart() -> None:
    bench = inverse_bench()
    quoted(bench, 20_000)
    for _ in range(10):
        send(bench, stop_market(19_000))
    with pytest.raises(ExchangeRefusal, match="At most 10 stop orders"):
        send(bench, stop_market(19_000))
    assert bench.place(Side.SELL, 100, 21_000, Tif.GTC).status is Status.NEW


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stop": 0}, RefusalCode.STOP_PRICE),
        ({"stop": 10**9}, RefusalCode.STOP_PRICE),
        ({"stop": 1_950_001}, RefusalCode.TICK),
        ({"if_touched": True}, RefusalCode.STOP_PRICE),
        ({"price": 100}, RefusalCode.PRICE),
        ({"post_only": True}, RefusalCode.NOT_SUPPORTED),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, int], code: RefusalCode) -> None:
    bench = inverse_bench()
    quoted(bench, 20_000)
    with pytest.raises(ExchangeRefusal) as refused:
        send(bench, replace(MARKET, **change))  # type: ignore[arg-type]
    assert refused.value.code is code
    assert bench.exchange.orders("me") == []


def test_a_market_order_takes_what_there_is_and_never_rests() -> None:
    bench = inverse_bench()
    bench.market(levels((20_000, 300), (19_000, 300)), [])
    order = send(bench, replace(MARKET, tif=Tif.GTC))
    assert (order.cum, order.status, order.price) == (600, Status.CANCELED, dollars(19_000))
    again = send(bench, MARKET)
    assert (again.cum, again.status, again.reason) == (0, Status.CANCELED, "No liquidity")


def banded(clock: ManualClock) -> Bench:
    spec = replace(mbt(2026, 12), price_band=50_000)
    return Bench(Exchange("cme", [spec], LINEAR_RULES, clock), clock, spec, 10_000_000 * USD)


def test_prices_outside_the_band_are_refused_and_market_orders_held_inside_it() -> None:
    bench = banded(ManualClock())
    bench.market(levels((79_995, 5), (70_000, 5)), levels((80_005, 5), (90_000, 5)))
    for side, price in ((Side.BUY, 84_005), (Side.SELL, 75_995)):
        with pytest.raises(ExchangeRefusal) as refused:
            bench.place(side, 1, price, Tif.GTC)
        assert refused.value.code is RefusalCode.PRICE_BAND
        assert refused.value.data == {"low": dollars(76_000), "high": dollars(84_000)}
    assert bench.place(Side.SELL, 1, 90_000, Tif.GTC).status is Status.NEW  # far, but not to the taking side
    taken = send(bench, NewOrder("MBTZ6", Side.BUY, 10, 0, is_market=True))
    assert (taken.cum, taken.price) == (5, dollars(84_000))


def test_a_halt_empties_the_book_holds_orders_and_ends() -> None:
    bench = linear_bench()
    quoted(bench, 80_000)
    resting = bench.place(Side.BUY, 1, 79_000, Tif.GTC)
    bench.events.clear()
    bench.exchange.halt("MBTZ6")
    assert (bench.exchange.is_open(), bench.exchange.is_open("MBTZ6")) == (True, False)
    assert bench.events[0] == SessionChanged(False, "MBTZ6")
    quoted(bench, 78_000)
    assert bench.exchange.book("MBTZ6").asks == ()
    held = bench.place(Side.SELL, 2, 77_000, Tif.GTC)
    stop = send(bench, NewOrder("MBTZ6", Side.SELL, 1, 0, is_market=True, stop=dollars(79_500)))
    assert (held.held, held.cum, state(bench, resting).cum, stop.is_waiting) == (True, 0, 0, True)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.SELL, 1, 77_000, Tif.IOC)
    assert refused.value.code is RefusalCode.SESSION_CLOSED
    bench.exchange.resume("MBTZ6")
    quoted(bench, 78_000)
    bench.exchange.step()
    assert [state(bench, one).status for one in (resting, held, stop)] == [Status.FILLED] * 3


def test_an_inverse_venue_that_halts_refuses() -> None:
    spec: ContractSpec = xbtusd()
    bench = Bench(Exchange("bitmex", [spec], INVERSE_RULES, clock := ManualClock(START)), clock, spec, XBT)
    quoted(bench, 20_000)
    bench.exchange.halt("XBTUSD")
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 100, 20_001, Tif.GTC)
    assert refused.value.code is RefusalCode.SESSION_CLOSED
    bench.exchange.resume("XBTUSD")
    quoted(bench, 20_000)
    assert bench.place(Side.BUY, 100, 20_001).cum == 100
    assert [one.kind for one in bench.exchange.executions("me")] == [ExecKind.TRADE]
