"""Isolated margin, leverage, transfers and risk limits at the inverse venue."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.simulator.exchange import leverage
from adapters.simulator.exchange.catalog import xbtusd
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import Side, Tif
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import INVERSE_RULES
from adapters.simulator.exchange.value import value
from tests.unit.simulator.support import XBT, Bench, ManualClock, dollars, inverse_bench, levels, linear_bench


def bench_of_2018(wallet: int = XBT) -> Bench:
    """The perpetual as it was: a lot of one contract, values rounded per contract, ticks of 0.5, fee 0.075 %."""
    clock = ManualClock()
    spec = replace(xbtusd(), lot=1, rounding_unit=1, tick=50, maker_fee=-250, taker_fee=750)
    return Bench(Exchange("bitmex", [spec], INVERSE_RULES, clock), clock, spec, wallet)


def test_a_real_position_of_2018() -> None:
    bench = bench_of_2018()
    bench.exchange.set_leverage("me", "XBTUSD", 2_500)
    bench.trade(Side.SELL, 500, 6_725)
    bench.market(levels((6_726.5, 10)), levels((6_727, 10)), index=6_726.8)
    view = bench.exchange.position("me", "XBTUSD")
    assert (view.contracts, view.cost, view.value) == (-500, -7_435_000, -7_433_000)
    assert view.unrealised == -2_000
    assert (view.pos_init, view.pos_comm, view.pos_margin) == (297_400, 5_800, 303_200)
    assert view.pos_maint == 42_975
    assert (view.liquidation, view.bankruptcy) == (dollars(6_968.5), dollars(7_004.5))
    assert (view.leverage, view.is_cross, view.initial_rate, view.maintenance_rate) == (
        2_500,
        False,
        40_000,
        5_000,
    )
    account = bench.exchange.account("me")
    assert account.wallet == XBT - 5_576  # the taker fee, 0.075 % of 7,435,000
    assert (account.maintenance, account.balance) == (301_200, account.wallet - 2_000)
    assert account.available == account.wallet - 303_200


@pytest.mark.parametrize(
    ("side", "liquidation", "bankruptcy"),
    [(Side.BUY, 18_264.9, 18_181.9), (Side.SELL, 22_099.4, 22_222.2)],
)
def test_ten_times_at_twenty_thousand(side: Side, liquidation: float, bankruptcy: float) -> None:
    """18,264.84 and 18,181.82, 22,099.45 and 22,222.22, each to the tick at which it is reached early."""
    position = Position(xbtusd(), leverage=1_000)
    position.trade(side.sign * 20_000, value(xbtusd(), side.sign * 20_000, dollars(20_000)))
    margin = leverage.position_margin(xbtusd(), position)
    assert margin.init == 10_000_000
    assert leverage.ruin(position, margin.total - margin.least) == dollars(liquidation)
    assert leverage.ruin(position, margin.init) == dollars(bankruptcy)


def test_a_fully_funded_short_has_no_liquidation_price() -> None:
    bench = inverse_bench(wallet=2 * XBT, taker_fee=0)
    bench.exchange.set_leverage("me", "XBTUSD", 100)
    bench.trade(Side.SELL, 10_000, 10_000)
    view = bench.exchange.position("me", "XBTUSD")
    assert view.pos_margin == XBT
    assert view.bankruptcy == dollars(1_000_000)


def test_the_guides_spreads_in_cross_are_liquidated_where_the_formulas_say() -> None:
    """200,000 long at 8,000 on 5 XBT: 6,694.56; 300,000 short at 10,000 on 5 XBT: 11,928.43."""
    bench = inverse_bench(wallet=5 * XBT, taker_fee=0)
    bench.trade(Side.BUY, 200_000, 8_000)
    assert bench.exchange.position("me", "XBTUSD").liquidation == dollars(6_694.6)
    bench = inverse_bench(wallet=5 * XBT, taker_fee=0)
    bench.trade(Side.SELL, 300_000, 10_000)
    assert bench.exchange.position("me", "XBTUSD").liquidation == dollars(11_928.4)


def test_isolated_margin_neither_shares_its_gains_nor_its_losses() -> None:
    bench = inverse_bench(taker_fee=0)
    bench.exchange.set_leverage("me", "XBTUSD", 1_000)
    bench.trade(Side.BUY, 10_000, 20_000)
    free = bench.exchange.account("me").available
    assert free == 10 * XBT - 5_000_000
    for index in (19_000, 21_000):
        bench.market(levels((index, 100)), levels((index + 1, 100)), index=index)
        account = bench.exchange.account("me")
        assert account.unrealised != 0
        assert account.available == account.withdrawable == free


@pytest.mark.parametrize(
    ("side", "margin", "liquidation"), [(Side.BUY, 4_995_000, 18_266.6), (Side.SELL, 5_005_000, 22_101.8)]
)
def test_an_isolated_position_pays_funding_out_of_its_own_margin(
    side: Side, margin: int, liquidation: float
) -> None:
    """0.01 % of 0.5 XBT is 5,000 satoshi: 10,000 / (0.5 + 0.04995 − 0.0025), 10,000 / (0.5 − 0.05005 + 0.0025)."""
    bench = inverse_bench(taker_fee=0, funding=FundingSchedule(rate=100))
    bench.exchange.set_leverage("me", "XBTUSD", 1_000)
    bench.trade(side, 10_000, 20_000)
    free, wallet = bench.exchange.account("me").available, bench.wallet
    bench.clock.advance(timedelta(hours=3))
    bench.exchange.step()
    assert bench.exchange.account("me").available == free
    assert bench.wallet - wallet == margin - 5_000_000
    view = bench.exchange.position("me", "XBTUSD")
    assert (view.pos_margin, view.liquidation) == (margin, dollars(liquidation))


def test_margin_transferred_moves_the_liquidation_price_and_comes_back_when_closed() -> None:
    bench = inverse_bench(taker_fee=0)
    bench.exchange.set_leverage("me", "XBTUSD", 1_000)
    bench.trade(Side.BUY, 10_000, 20_000)
    before = bench.exchange.position("me", "XBTUSD")
    after = bench.exchange.transfer_margin("me", "XBTUSD", 2_500_000)
    assert after.pos_margin == before.pos_margin + 2_500_000 == 7_500_000
    # N / (cost + margin − MM): 10,000 / (0.5 + 0.075 − 0.0025)
    assert after.liquidation == dollars(17_467.3)
    bench.trade(Side.SELL, 5_000, 20_000)
    assert bench.exchange.position("me", "XBTUSD").pos_margin == 3_750_000
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.transfer_margin("me", "XBTUSD", 100 * XBT)
    assert refused.value.code is RefusalCode.INSUFFICIENT_MARGIN
    bench.exchange.transfer_margin("me", "XBTUSD", -1_250_000)
    bench.trade(Side.SELL, 5_000, 20_000)
    assert bench.exchange.account("me").available == 10 * XBT
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.transfer_margin("me", "XBTUSD", 1)
    assert refused.value.code is RefusalCode.NO_POSITION


def test_margin_cannot_be_taken_below_what_keeps_the_position_alive() -> None:
    bench = inverse_bench(taker_fee=0)
    bench.exchange.set_leverage("me", "XBTUSD", 1_000)
    bench.trade(Side.BUY, 10_000, 20_000)
    kept = bench.exchange.position("me", "XBTUSD")
    with pytest.raises(ExchangeRefusal):
        bench.exchange.transfer_margin("me", "XBTUSD", -4_900_000)
    assert bench.exchange.position("me", "XBTUSD") == kept


def test_leverage_is_charged_on_orders_and_bounded() -> None:
    bench = inverse_bench(wallet=11_000_000)
    bench.exchange.set_leverage("me", "XBTUSD", 1_000)
    bench.place(Side.BUY, 20_000, 20_000, Tif.GTC)
    # V × (IM + f + f × (1 + IM)): 1e8 × (0.1 + 0.0005 + 0.00055)
    assert bench.exchange.account("me").initial == 10_105_000
    for wrong in (50, 10_001, -1):
        with pytest.raises(ExchangeRefusal) as refused:
            bench.exchange.set_leverage("me", "XBTUSD", wrong)
        assert refused.value.code is RefusalCode.LEVERAGE
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.set_leverage("me", "XBTUSD", 500)
    assert refused.value.code is RefusalCode.INSUFFICIENT_MARGIN
    assert bench.exchange.position("me", "XBTUSD").leverage == 1_000
    assert bench.exchange.set_leverage("me", "XBTUSD", 0).is_cross
    assert bench.exchange.account("me").initial == 1_100_500


def test_each_risk_step_adds_the_base_maintenance_to_both_rates() -> None:
    bench = inverse_bench(wallet=100 * XBT)
    view = bench.exchange.set_risk_limit("me", "XBTUSD", 501 * XBT)
    assert (view.risk_limit, view.initial_rate, view.maintenance_rate) == (650 * XBT, 25_000, 20_000)
    view = bench.exchange.set_risk_limit("me", "XBTUSD", 0)
    assert (view.risk_limit, view.initial_rate, view.maintenance_rate) == (200 * XBT, 10_000, 5_000)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.set_risk_limit("me", "XBTUSD", 10**6 * XBT)
    assert refused.value.code is RefusalCode.RISK_LIMIT


def test_position_and_orders_stay_within_the_risk_limit() -> None:
    bench = inverse_bench(wallet=100 * XBT)
    bench.trade(Side.BUY, 3_000_000, 20_000)
    bench.market(levels((19_999, 100)), levels((20_001, 100)))
    bench.place(Side.BUY, 1_000_000, 20_000, Tif.GTC)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 100, 20_000, Tif.GTC)
    assert refused.value.code is RefusalCode.RISK_LIMIT
    assert refused.value.data == {"required": 200 * XBT + 500_000, "limit": 200 * XBT}
    bench.place(Side.SELL, 4_000_000, 20_100, Tif.GTC)  # what reduces, or turns round within it, may
    bench.exchange.set_risk_limit("me", "XBTUSD", 350 * XBT)
    bench.place(Side.BUY, 100, 20_000, Tif.GTC)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.set_risk_limit("me", "XBTUSD", 200 * XBT)
    assert refused.value.code is RefusalCode.RISK_LIMIT


def test_the_broker_has_none_of_this() -> None:
    exchange = linear_bench().exchange
    for attempt in (
        lambda: exchange.set_leverage("me", "MBTZ6", 100),
        lambda: exchange.set_risk_limit("me", "MBTZ6", 100),
        lambda: exchange.transfer_margin("me", "MBTZ6", 100),
        lambda: exchange.deleverage("me", "MBTZ6", 1),
    ):
        with pytest.raises(ExchangeRefusal) as refused:
            attempt()
        assert refused.value.code is RefusalCode.NOT_SUPPORTED
