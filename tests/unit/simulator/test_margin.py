"""What orders and positions need."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.simulator.exchange import margin
from adapters.simulator.exchange.catalog import btc, mbt, xbt_future, xbtusd
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.marks import dated_mark, impact_price, perpetual_mark
from adapters.simulator.exchange.orders import NewOrder, Side, SimOrder, Tif
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import INVERSE_RULES
from adapters.simulator.exchange.value import value
from tests.unit.simulator.support import (
    START,
    USD,
    XBT,
    ManualClock,
    dollars,
    inverse_bench,
    levels,
    linear_bench,
)


def order(side: Side, leaves: int, price: float, *, reduce_only: bool = False) -> SimOrder:
    return SimOrder(
        order_id="o",
        number=1,
        account="me",
        symbol="XBTUSD",
        side=side,
        quantity=leaves,
        price=dollars(price),
        tif=Tif.GTC,
        client_id="",
        created_at=START,
        updated_at=START,
        reduce_only=reduce_only,
        leaves=leaves,
    )


def test_one_coin_at_ten_times_needs_a_tenth_of_a_coin_and_fees() -> None:
    ten_times = replace(xbtusd(), initial_margin_long=100_000)
    assert margin.inverse_order_margin(ten_times, 0, [order(Side.BUY, 20_000, 20_000)]) == 10_105_000


def test_the_larger_side_is_charged_and_not_the_sum() -> None:
    buy, sell = order(Side.BUY, 10_000, 20_000), order(Side.SELL, 4_000, 20_000)
    assert margin.inverse_order_margin(xbtusd(), 0, [buy, sell]) == 550_250
    assert margin.inverse_order_margin(xbtusd(), 0, [sell]) == 220_100


def test_only_what_exceeds_the_position_is_charged() -> None:
    closing = order(Side.SELL, 10_000, 20_000)
    assert margin.inverse_order_margin(xbtusd(), 10_000, [closing]) == 0
    assert margin.inverse_order_margin(xbtusd(), 6_000, [closing]) == 220_100
    assert margin.inverse_order_margin(xbtusd(), -6_000, [closing]) == 550_250
    assert margin.inverse_order_margin(xbtusd(), 0, [order(Side.SELL, 9_900, 1, reduce_only=True)]) == 0


@pytest.mark.parametrize(("rate", "satoshi"), [(100, 250_000 + 5_000), (-100, 250_000), (0, 250_000)])
def test_a_payer_of_funding_holds_it_as_maintenance(rate: int, satoshi: int) -> None:
    position = Position(xbtusd())
    position.trade(10_000, value(xbtusd(), 10_000, dollars(20_000)))
    assert margin.inverse_maintenance(xbtusd(), position, rate) == satoshi


def test_the_brokers_rates() -> None:
    future = mbt(2026, 12)
    assert margin.linear_margin(future, 10, dollars(80_000)) == 40_000 * USD
    assert margin.linear_margin(future, -10, dollars(80_000)) == 80_000 * USD
    at_twenty = replace(btc(2026, 12), initial_margin_short=200_000)
    assert margin.linear_margin(at_twenty, -6, dollars(10_000)) == 60_000 * USD


def test_the_worst_reachable_position_is_charged() -> None:
    future = mbt(2026, 12)
    orders = [order(Side.BUY, 30, 80_000), order(Side.SELL, 12, 80_000)]
    assert margin.linear_initial(future, 0, dollars(80_000), orders) == 120_000 * USD  # 30 long at 50 %
    assert margin.linear_initial(future, -10, dollars(80_000), orders) == 176_000 * USD  # 22 short
    assert margin.linear_initial(future, 10, dollars(80_000), orders[1:]) == 40_000 * USD  # closing adds none


def test_marks() -> None:
    hours = timedelta(hours=8)
    assert perpetual_mark(dollars(20_000), 100, timedelta(hours=4), hours) == dollars(20_001)
    assert perpetual_mark(dollars(20_000), -3_750, hours, hours) == dollars(19_925)
    assert perpetual_mark(dollars(20_000), 100, timedelta(0), hours) == dollars(20_000)
    # 73 days: a fifth of a year. 10,216 / 10,000 is 10.8 % a year, published as 11 %, so 10,220.
    assert dated_mark(dollars(10_000), dollars(10_216), START, START + timedelta(days=73)) == dollars(10_220)
    assert dated_mark(dollars(10_000), dollars(10_216), START, START) == dollars(10_000)


def test_an_order_beyond_the_available_margin_is_refused_and_leaves_nothing() -> None:
    bench = inverse_bench(wallet=550_249)
    bench.market(levels((19_999, 100_000)), levels((20_001, 100_000)))
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 10_000, 20_000, Tif.GTC)
    assert refused.value.code is RefusalCode.INSUFFICIENT_MARGIN
    assert refused.value.data == {"required": 550_250, "available": 550_249}
    assert bench.exchange.orders("me") == []
    bench.exchange.deposit("me", 1)
    bench.place(Side.BUY, 10_000, 20_000, Tif.GTC)
    account = bench.exchange.account("me")
    assert (account.initial, account.maintenance, account.available) == (550_250, 0, 0)


def test_a_loss_never_blocks_an_order_that_reduces() -> None:
    bench = linear_bench(wallet=90_000 * USD)
    bench.trade(Side.SELL, 10, 80_000)
    bench.market(levels((99_995, 50)), levels((100_000, 50)))
    assert bench.exchange.account("me").available < 0
    with pytest.raises(ExchangeRefusal, match="insufficient"):
        bench.place(Side.SELL, 1, 99_995)
    assert bench.place(Side.BUY, 4, 100_000).cum == 4


def test_what_if_says_what_an_order_would_need() -> None:
    bench = linear_bench()
    bench.market(levels((79_995, 50)), levels((80_005, 50)))
    ask = NewOrder("MBTZ6", Side.SELL, 3, dollars(80_000))
    assert bench.exchange.initial_margin_change("me", ask) == 24_000 * USD
    bench.place(Side.BUY, 3, 80_005)
    assert bench.exchange.initial_margin_change("me", ask) == 0


def test_only_free_money_can_be_withdrawn() -> None:
    bench = inverse_bench(wallet=XBT)
    bench.trade(Side.BUY, 10_000, 20_000)
    bench.market(levels((40_000, 100)), levels((40_001, 100)))
    account = bench.exchange.account("me")
    assert account.unrealised == 25_000_000
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.deposit("me", -(account.wallet - account.maintenance) - 1)
    assert refused.value.code is RefusalCode.INSUFFICIENT_FUNDS
    bench.exchange.deposit("me", -(account.wallet - account.maintenance))
    assert bench.wallet == account.maintenance


def test_the_impact_price_is_the_average_of_ten_coins() -> None:
    """5 XBT at 10,000 and the rest at 8,000: 50,000 + 40,000 contracts are 10 XBT, 9,000 each."""
    asks = levels((10_000, 50_000), (8_000, 1_000_000))
    assert impact_price(xbtusd(), asks) == dollars(9_000)
    assert impact_price(xbtusd(), levels((10_000, 99_900))) is None
    assert impact_price(xbtusd(), levels((10_000, 100_000))) == dollars(10_000)


def test_a_futures_mark_follows_the_impact_mid_and_not_the_touch() -> None:
    clock = ManualClock()
    spec = xbt_future(2026, 12)
    exchange = Exchange("bitmex", [spec], INVERSE_RULES, clock)
    deep = (levels((10_090, 10_000_000)), levels((10_110, 10_000_000)))
    exchange.set_market(spec.symbol, dollars(10_000), *deep)
    fair = exchange.ticker(spec.symbol)
    assert (fair.impact_bid, fair.impact_ask) == (dollars(10_090), dollars(10_110))
    # 32.125 days are left: 1 % above is 11.36 % a year, published as 11 %, so 10,000 × (1 + 0.11 × 32.125 / 365)
    assert fair.mark == dollars(10_096.82)
    touched = (levels((10_500, 100), (10_090, 10_000_000)), levels((10_600, 100), (10_110, 10_000_000)))
    exchange.set_market(spec.symbol, dollars(10_000), *touched)
    after = exchange.ticker(spec.symbol)
    assert after.mark == fair.mark


def test_the_last_price_follows_a_market_that_moves_without_us() -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 100, 20_000)
    for bid, ask, last in ((19_990, 20_010, 20_000), (20_100, 20_110, 20_100), (19_000, 19_010, 19_010)):
        bench.market(levels((bid, 100)), levels((ask, 100)))
        assert bench.exchange.ticker("XBTUSD").last == dollars(last)
