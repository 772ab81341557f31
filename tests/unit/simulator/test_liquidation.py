"""What happens to a position without the margin for it."""

from dataclasses import replace

import pytest

from adapters.simulator.exchange.catalog import btc, mbt, xbt_future, xbtusd
from adapters.simulator.exchange.events import (
    AccountChanged,
    BookChanged,
    Executed,
    OrderChanged,
    PositionChanged,
)
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, NewOrder, Side, Status, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.views import BookLevel
from tests.unit.simulator.support import USD, XBT, Bench, ManualClock, dollars, levels, linear_bench

DEEP = 10_000_000


def bench(wallet: int, insurance: int = 100 * XBT) -> Bench:
    """Fees off, so that the wallet shows the liquidation and nothing else."""
    clock = ManualClock()
    spec = replace(xbtusd(), taker_fee=0, maker_fee=0)
    exchange = Exchange("bitmex", [spec], INVERSE_RULES, clock, insurance=insurance)
    return Bench(exchange, clock, spec, wallet)


def fall(one: Bench, price: float, quantity: int = DEEP) -> None:
    """Let index and market go to ``price`` and the venue answer it."""
    one.market(levels((price, quantity)), levels((price + 1, quantity)), index=price)
    one.exchange.step()


def test_a_cross_position_ends_at_its_liquidation_price_and_takes_the_wallet() -> None:
    """200,000 long at 8,000 on 5 XBT: liquidated at 6,694.56, bankrupt at 200,000 / 30 = 6,666.67."""
    one = bench(5 * XBT)
    one.trade(Side.BUY, 200_000, 8_000)
    fall(one, 6_694.7)
    assert one.contracts == 200_000
    order = one.place(Side.SELL, 1_000, 9_000, Tif.GTC)
    one.events.clear()
    fall(one, 6_694.6)
    assert one.contracts == 0
    taken = one.exchange.executions("me")[-1]
    assert (taken.kind, taken.side, taken.quantity, taken.price) == (
        ExecKind.LIQUIDATION,
        Side.SELL,
        200_000,
        dollars(6_666.7),
    )
    assert (taken.order_id, taken.fee) == ("", 0)
    # 2,000 × round(1e10 / 8,000) − 2,000 × round(1e10 / 6,666.7): 5 XBT but for the tick's rounding
    assert taken.realised == 2_000 * 1_250_000 - 2_000 * 1_499_993 == -499_986_000
    assert one.wallet == 14_000
    canceled = one.exchange.order("me", order.order_id)
    assert canceled is not None
    assert (canceled.status, canceled.reason) == (Status.CANCELED, "Liquidation")
    told = [type(event) for event in one.events]
    assert told[told.index(OrderChanged) :] == [
        OrderChanged,
        Executed,
        PositionChanged,
        AccountChanged,
        BookChanged,
    ]


def test_the_engine_gains_what_it_sells_above_bankruptcy() -> None:
    one = bench(5 * XBT, insurance=0)
    one.trade(Side.BUY, 200_000, 8_000)
    fall(one, 6_694.6)
    # 2,000 × (1,499,993 − round(1e10 / 6,694.6) = 1,493,741)
    assert one.exchange.insurance_fund == 2_000 * (1_499_993 - 1_493_741)


def test_the_fund_pays_for_a_gap_and_the_account_does_not() -> None:
    one = bench(5 * XBT, insurance=100 * XBT)
    one.trade(Side.BUY, 200_000, 8_000)
    fall(one, 5_000)
    assert one.wallet == 14_000
    assert one.exchange.insurance_fund == 100 * XBT - 2_000 * (2_000_000 - 1_499_993)


def test_a_short_ends_too() -> None:
    one = bench(5 * XBT)
    one.trade(Side.SELL, 300_000, 10_000)
    fall(one, 11_928.3)
    assert one.contracts == -300_000
    fall(one, 11_928.4)
    assert one.contracts == 0
    # bankrupt at 300,000 / 25 = 12,000: 833,333.3 satoshi per 100 contracts, 833,334 in whole ones
    assert one.exchange.executions("me")[-1].price == dollars(11_999.9)
    assert one.wallet == 5 * XBT - 3_000 * (1_000_000 - 833_340)


def test_an_isolated_position_loses_its_own_margin_and_its_fee() -> None:
    clock = ManualClock()
    spec = replace(xbtusd(), lot=1, rounding_unit=1, tick=50, taker_fee=750)
    one = Bench(Exchange("bitmex", [spec], INVERSE_RULES, clock), clock, spec, XBT)
    one.exchange.set_leverage("me", "XBTUSD", 2_500)
    one.trade(Side.SELL, 500, 6_725)
    fall(one, 6_968)
    assert one.contracts == -500
    before = one.wallet
    fall(one, 6_968.5)
    assert one.contracts == 0
    taken = one.exchange.executions("me")[-1]
    assert taken.price == dollars(7_004.5)
    # per contract round(1e8 / 7,004.5) = 14,277 against 14,870
    assert taken.realised == -500 * (14_870 - 14_277) == -296_500
    assert taken.fee == 5_354  # 0.075 % of 7,138,500
    assert one.wallet == before - 296_500 - 5_354
    assert one.exchange.account("me").available == one.wallet


def test_in_cross_the_others_live_on_when_one_is_enough() -> None:
    clock = ManualClock()
    specs = [replace(one, taker_fee=0, maker_fee=0) for one in (xbtusd(), xbt_future(2026, 12))]
    exchange = Exchange("bitmex", specs, INVERSE_RULES, clock)
    one = Bench(exchange, clock, specs[0], 2 * XBT)
    exchange.set_market("XBTZ26", dollars(10_000), levels((9_999, DEEP)), levels((10_001, DEEP)))
    exchange.place("me", NewOrder("XBTZ26", Side.SELL, 1_000, dollars(9_999)))
    one.trade(Side.BUY, 100_000, 10_000)
    exchange.set_market("XBTZ26", dollars(8_300), levels((8_299, DEEP)), levels((8_301, DEEP)))
    fall(one, 8_300)
    assert exchange.position("me", "XBTUSD").contracts == 0
    assert exchange.position("me", "XBTZ26").contracts == -1_000
    account = exchange.account("me")
    assert account.balance >= account.maintenance > 0


def test_a_position_of_a_higher_tier_is_first_brought_down_to_the_one_below() -> None:
    one = bench(40 * XBT)
    one.exchange.set_risk_limit("me", "XBTUSD", 500 * XBT)
    one.trade(Side.BUY, 3_000_000, 10_000)  # 300 XBT: the second tier, its limit 350 XBT
    view = one.exchange.position("me", "XBTUSD")
    assert (view.risk_limit, view.maintenance_rate) == (500 * XBT, 15_000)
    assert view.liquidation is not None
    one.events.clear()
    fall(one, view.liquidation / 100)
    # First the limit: 350 XBT needs 1 % instead of 1.5 %, which is enough.
    assert one.contracts == 3_000_000
    view = one.exchange.position("me", "XBTUSD")
    assert (view.risk_limit, view.maintenance_rate) == (350 * XBT, 10_000)
    assert view.liquidation is not None
    fall(one, view.liquidation / 100)
    # Then a fill-or-kill order of the third that exceeds 200 XBT; the base rate keeps the rest.
    view = one.exchange.position("me", "XBTUSD")
    assert view.contracts == 2_000_000
    assert (view.risk_limit, view.maintenance_rate) == (200 * XBT, 5_000)
    forced = one.exchange.executions("me")[-1]
    assert (forced.kind, forced.quantity) == (ExecKind.LIQUIDATION, 1_000_000)
    order = one.exchange.order("me", forced.order_id)
    assert order is not None
    assert (order.forced, order.tif, order.status) == (True, Tif.FOK, Status.FILLED)


def test_where_the_book_is_too_thin_all_of_it_is_taken_over() -> None:
    one = bench(40 * XBT)
    one.exchange.set_risk_limit("me", "XBTUSD", 350 * XBT)
    one.trade(Side.BUY, 3_000_000, 10_000)
    view = one.exchange.position("me", "XBTUSD")
    assert view.liquidation is not None
    fall(one, view.liquidation / 100, quantity=100)
    assert one.contracts == 0
    last = one.exchange.executions("me")[-1]
    assert (last.kind, last.order_id, last.quantity) == (ExecKind.LIQUIDATION, "", 3_000_000)
    killed = one.exchange.orders("me")[-1]
    assert (killed.forced, killed.status, killed.cum) == (True, Status.CANCELED, 0)


def test_when_the_fund_is_empty_the_winner_with_most_leverage_pays() -> None:
    one = bench(5 * XBT, insurance=0)
    for name, wallet in (("careful", 100 * XBT), ("bold", 5 * XBT), ("loser", 100 * XBT)):
        one.exchange.open_account(name)
        one.exchange.deposit(name, wallet)
    one.trade(Side.BUY, 200_000, 8_000)
    offer = levels((8_000, DEEP))
    for name, quantity in (("careful", 150_000), ("bold", 150_000)):
        one.market(offer, [])
        one.place(Side.SELL, quantity, 8_000, account=name)
    one.market(levels((4_000, DEEP)), [])
    one.place(Side.SELL, 100_000, 4_000, account="loser")
    resting = one.place(Side.BUY, 100, 1_000, Tif.GTC, account="bold")
    one.exchange.set_market("XBTUSD", dollars(5_000), [], [])
    one.exchange.step()
    # Nobody bids at all: the whole of it falls on the accounts that are short.
    assert one.contracts == 0
    shorts = {name: one.exchange.position(name, "XBTUSD").contracts for name in ("careful", "bold", "loser")}
    assert shorts == {"bold": 0, "careful": -100_000, "loser": -100_000}
    paid = one.exchange.executions("bold")[-1]
    assert (paid.kind, paid.side, paid.quantity, paid.price, paid.fee) == (
        ExecKind.DELEVERAGE,
        Side.BUY,
        150_000,
        dollars(6_666.7),
        0,
    )
    assert paid.realised == 1_500 * (1_499_993 - 1_250_000)
    after = one.exchange.order("bold", resting.order_id)
    assert after is not None
    assert after.status is Status.CANCELED


def test_deleveraging_on_demand() -> None:
    one = bench(5 * XBT)
    one.trade(Side.SELL, 10_000, 8_000)
    fall(one, 7_000)
    one.events.clear()
    execution = one.exchange.deleverage("me", "XBTUSD", 4_000)
    assert (execution.kind, execution.side, execution.price) == (
        ExecKind.DELEVERAGE,
        Side.BUY,
        dollars(7_000),
    )
    assert one.contracts == -6_000
    assert one.wallet == 5 * XBT + 40 * (1_428_571 - 1_250_000)
    assert [type(event) for event in one.events] == [Executed, PositionChanged, AccountChanged, BookChanged]
    with pytest.raises(ExchangeRefusal) as refused:
        one.exchange.deleverage("me", "XBTUSD", 6_001)
    assert refused.value.code is RefusalCode.QUANTITY
    with pytest.raises(ExchangeRefusal) as refused:
        one.exchange.deleverage("nobody", "XBTUSD", 1)
    assert refused.value.code is RefusalCode.UNKNOWN_ACCOUNT


def test_the_broker_liquidates_just_enough_and_cancels_everything_first() -> None:
    one = linear_bench(wallet=90_000 * USD)
    one.trade(Side.SELL, 10, 80_000)
    resting = one.place(Side.BUY, 1, 70_000, Tif.GTC)
    # At 85,000: balance 90,000 − 5,000, less a commission of 23.70; maintenance 85,000 → 23.70 short of it.
    one.market(levels((84_995, 50)), levels((85_005, 50)))
    assert one.exchange.account("me").excess_liquidity == -2_370_000_000
    one.exchange.step()
    assert one.contracts == -9
    forced = one.exchange.executions("me")[-1]
    assert (forced.kind, forced.side, forced.quantity, forced.price) == (
        ExecKind.TRADE,
        Side.BUY,
        1,
        dollars(85_005),
    )
    order = one.exchange.order("me", forced.order_id)
    assert order is not None
    assert order.forced
    assert one.exchange.account("me").excess_liquidity > 0
    canceled = one.exchange.order("me", resting.order_id)
    assert canceled is not None
    assert canceled.status is Status.CANCELED
    one.exchange.step()
    assert one.contracts == -9


def test_the_broker_waits_for_an_open_market() -> None:
    clock = ManualClock()
    specs = [mbt(2026, 12), btc(2026, 12)]
    exchange = Exchange("cme", specs, LINEAR_RULES, clock)
    one = Bench(exchange, clock, specs[0], 90_000 * USD)
    one.trade(Side.SELL, 10, 80_000)
    one.market(levels((99_995, 50)), levels((100_000, 50)))
    exchange.halt("MBTZ6")
    exchange.step()
    assert one.contracts == -10
    exchange.resume("MBTZ6")
    one.market([BookLevel(dollars(99_995), 50)], [BookLevel(dollars(100_000), 50)])
    exchange.step()
    assert one.contracts == -6  # 69,978.80 of equity bears 6.998 contracts at 9,999.75


def test_a_venue_can_be_told_not_to_liquidate() -> None:
    clock = ManualClock()
    spec = replace(xbtusd(), taker_fee=0)
    rules = replace(INVERSE_RULES, liquidates=False)
    one = Bench(Exchange("bitmex", [spec], rules, clock), clock, spec, XBT)
    one.trade(Side.BUY, 100_000, 10_000)
    fall(one, 1_000)
    assert one.contracts == 100_000
