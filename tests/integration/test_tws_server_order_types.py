"""Market and stop orders, the price band, and what an order would do to the margin: real ib_async clients."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from ib_async import IB, Contract, Future, MarketOrder, Order, StopLimitOrder, StopOrder

from adapters.simulator.exchange.orders import NewOrder, Side
from adapters.simulator.exchange.sessions import Session, Sessions
from tests import patient
from tests.integration.tws_server_bench import (
    ACCOUNT,
    MBT,
    AdvancingClock,
    Bench,
    bench,
    codes,
    mbt,
    order,
    until,
)


def stop(action: str, quantity: int, price: float, **fields: Any) -> StopOrder:
    return StopOrder(action, quantity, price, tif="GTC", account=ACCOUNT, outsideRth=True, **fields)


def trade_at(b: Bench, price: int) -> None:
    """Let the last price be ``price``: two other accounts trade there."""
    b.market([(price - 10, 100)], [(price + 10, 100)])
    for account, side in (("buyer", Side.BUY), ("seller", Side.SELL)):
        b.exchange.open_account(account)
        b.exchange.deposit(account, 10**15)
        b.exchange.place(account, NewOrder(MBT, side, 1, price * 100))
    b.market([(price - 5, 100)], [(price + 5, 100)])


async def live(ib: IB) -> Order:
    (trade,) = await ib.reqAllOpenOrdersAsync()
    return trade.order


def test_a_market_order_takes_what_there_is() -> None:
    """3 at 20,005 and 2 at 20,010; outsideRth means nothing to it, which is told (2109) while it goes on."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.market([(19_995, 100)], [(20_005, 3), (20_010, 4)])
            trade = ib.placeOrder(contract, MarketOrder("BUY", 5, account=ACCOUNT, outsideRth=True))
            await until(trade.isDone)
            assert (trade.orderStatus.status, trade.orderStatus.avgFillPrice) == ("Filled", 20_007)
            assert codes(trade) == [2109]
            plain = ib.placeOrder(contract, MarketOrder("BUY", 1, account=ACCOUNT))
            await until(plain.isDone)
            assert codes(plain) == []
            done = await ib.reqCompletedOrdersAsync(True)
            assert {(t.order.orderType, t.order.lmtPrice) for t in done} == {("MKT", 0)}

    patient.run(main())


def test_a_market_order_is_refused_while_the_market_is_closed_or_halted() -> None:
    async def main() -> None:
        clock = AdvancingClock()
        opens = clock.now() + timedelta(hours=5)
        async with bench(
            sessions=Sessions.of([Session(opens, opens + timedelta(hours=1))]), clock=clock
        ) as b:
            ib = await b.client()
            contract = await mbt(ib)
            closed = ib.placeOrder(contract, MarketOrder("BUY", 1, account=ACCOUNT))
            await until(lambda: closed.orderStatus.status == "Inactive")
            assert codes(closed) == [201]
            clock.advance_to(opens)
            b.exchange.step()
            b.market([(19_995, 10)], [(20_005, 10)])
            b.exchange.halt(MBT)
            halted = ib.placeOrder(contract, MarketOrder("BUY", 1, account=ACCOUNT))
            await until(lambda: halted.orderStatus.status == "Inactive")
            assert b.exchange.orders(ACCOUNT) == []
            b.exchange.resume(MBT)
            b.market([(19_995, 10)], [(20_005, 10)])
            taken = ib.placeOrder(contract, MarketOrder("BUY", 1, account=ACCOUNT))
            await until(taken.isDone)
            assert taken.orderStatus.status == "Filled"

    patient.run(main())


def test_a_stop_waits_for_its_price_and_then_takes() -> None:
    """PreSubmitted until the last price is there; moved once; a sell below the market."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            bought = ib.placeOrder(contract, order("BUY", 2, 20_005))
            await until(bought.isDone)
            trade = ib.placeOrder(contract, stop("SELL", 2, 19_000))
            await until(lambda: trade.orderStatus.whyHeld == "trigger")
            assert trade.orderStatus.status == "PreSubmitted"
            shown = await live(ib)
            assert (shown.orderType, shown.auxPrice, shown.lmtPrice) == ("STP", 19_000, 0)
            trade.order.auxPrice = 19_500
            ib.placeOrder(contract, trade.order)
            await until(lambda: b.exchange.orders(ACCOUNT, live_only=True)[0].stop == 19_500_00)
            assert (await live(ib)).auxPrice == 19_500
            trade_at(b, 19_505)
            await asyncio.sleep(0.03)
            assert trade.orderStatus.status == "PreSubmitted"
            trade_at(b, 19_500)
            await until(trade.isDone)
            assert trade.orderStatus.status == "Filled"
            assert trade.fills[0].execution.price <= 19_500
            assert ib.positions() == []

    patient.run(main())


def test_a_stop_limit_rests_at_its_limit_once_triggered() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            asked = StopLimitOrder("BUY", 2, 20_400, 20_500, tif="GTC", account=ACCOUNT, outsideRth=True)
            trade = ib.placeOrder(contract, asked)
            await until(lambda: trade.orderStatus.status == "PreSubmitted" and trade.order.permId)
            shown = await live(ib)
            assert (shown.orderType, shown.auxPrice, shown.lmtPrice) == ("STP LMT", 20_500, 20_400)
            trade_at(b, 20_500)
            await until(lambda: trade.orderStatus.status == "Submitted")
            assert trade.orderStatus.whyHeld == ""
            ib.cancelOrder(trade.order)
            await until(trade.isDone)

    patient.run(main())


def test_a_stop_survives_a_restart() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            trade = ib.placeOrder(await mbt(ib), stop("SELL", 1, 19_000, orderRef="guard"))
            await until(lambda: trade.orderStatus.whyHeld == "trigger")
            ib.disconnect()
            await b.restart()
            again = await b.client()
            (found,) = again.openTrades()
            assert (found.order.orderType, found.order.auxPrice, found.order.orderRef) == (
                "STP",
                19_000,
                "guard",
            )
            assert (found.orderStatus.status, found.orderStatus.whyHeld) == ("PreSubmitted", "trigger")

    patient.run(main())


def test_types_are_not_changed_and_stops_keep_to_the_tick() -> None:
    """329 for another type, 110 for a stop off the tick; a waiting order lives on through both."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            off = ib.placeOrder(contract, stop("SELL", 1, 19_001))
            await until(off.isDone)
            assert codes(off) == [110]
            trade = ib.placeOrder(contract, stop("SELL", 1, 19_000))
            await until(lambda: trade.orderStatus.whyHeld == "trigger")
            errors: list[tuple[int, int]] = []
            ib.errorEvent += lambda req_id, code, text, contract: errors.append((req_id, code))
            client: Any = ib.client
            client.placeOrder(trade.order.orderId, contract, order("SELL", 1, 19_000, "GTC"))
            client.placeOrder(trade.order.orderId, contract, stop("SELL", 1, 18_999))
            await until(lambda: errors == [(trade.order.orderId, 329), (trade.order.orderId, 110)])
            (kept,) = b.exchange.orders(ACCOUNT, live_only=True)
            assert kept.stop == 19_000_00

    patient.run(main())


def test_a_limit_outside_the_band_is_refused() -> None:
    """Band 10 % about the mark of 20,000: a buy may go to 22,000, a sell to 18,000. A modified order lives on."""

    async def main() -> None:
        async with bench(price_band=100_000) as b:
            ib = await b.client()
            contract = await mbt(ib)
            high = ib.placeOrder(contract, order("BUY", 1, 22_005, "GTC"))
            low = ib.placeOrder(contract, order("SELL", 1, 17_995, "GTC"))
            await until(lambda: high.isDone() and low.isDone())
            assert codes(high) == codes(low) == [163]
            assert b.exchange.orders(ACCOUNT) == []
            inside = ib.placeOrder(contract, order("BUY", 1, 22_000))
            await until(inside.isDone)
            assert inside.orderStatus.status == "Filled"
            rests = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC"))
            await until(lambda: rests.orderStatus.status == "Submitted")
            errors: list[int] = []
            ib.errorEvent += lambda req_id, code, text, contract: errors.append(code)
            client: Any = ib.client
            client.placeOrder(rests.order.orderId, contract, order("BUY", 1, 22_005, "GTC"))
            await until(lambda: errors == [163])
            (kept,) = b.exchange.orders(ACCOUNT, live_only=True)
            assert kept.price == 19_000_00

    patient.run(main())


CASES = [
    # Held 10 long at mark 20,000 (worth 20,000 USD): initial 50 %, maintenance 40 %.
    ("SELL", 10, -10_000, -8_000, 12.5),
    ("SELL", 4, -4_000, -3_200, 5),
    # To 5 short: 10,000 USD at 100 % and 80 %.
    ("SELL", 15, 0, 0, 18.75),
    ("BUY", 10, 10_000, 8_000, 12.5),
]


@pytest.mark.parametrize(("action", "quantity", "initial", "maintenance", "commission"), CASES)
@pytest.mark.parametrize("kind", ["LMT", "MKT"])
def test_what_if_of_orders_that_close_flip_and_add(
    action: str, quantity: int, initial: float, maintenance: float, commission: float, kind: str
) -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract: Contract = await mbt(ib)
            bought = ib.placeOrder(contract, order("BUY", 10, 20_005))
            await until(bought.isDone)
            asked: Order = order(action, quantity, 20_000, "DAY")
            if kind == "MKT":
                asked = MarketOrder(action, quantity, account=ACCOUNT)
            state = await asyncio.wait_for(ib.whatIfOrderAsync(contract, asked), 2)
            change = float(state.initMarginChange), float(state.maintMarginChange)
            assert (*change, state.commission) == (initial, maintenance, commission)
            assert float(state.initMarginBefore) == 10_000
            assert float(state.initMarginAfter) == 10_000 + initial
            assert len(b.exchange.orders(ACCOUNT)) == 1

    patient.run(main())


def test_twenty_active_orders_a_contract_and_side_and_no_more() -> None:
    """The 21st purchase is rejected (201); a sale, another contract and one after a cancel are not."""

    async def main() -> None:
        async with bench(deposit=10_000_000) as b:
            ib = await b.client()
            near = await mbt(ib)
            (far,) = await ib.reqContractDetailsAsync(Future("MBT", "203007", "CME"))
            assert far.contract is not None
            trades = [ib.placeOrder(near, order("BUY", 1, 19_000, "GTC")) for _ in range(20)]
            await until(lambda: {t.orderStatus.status for t in trades} == {"Submitted"})
            over = ib.placeOrder(near, order("BUY", 1, 19_000, "GTC"))
            await until(lambda: over.orderStatus.status == "Inactive")
            assert codes(over) == [201]
            others = [
                ib.placeOrder(near, order("SELL", 1, 21_000, "GTC")),
                ib.placeOrder(far.contract, order("BUY", 1, 19_000, "GTC")),
            ]
            await until(lambda: {t.orderStatus.status for t in others} == {"Submitted"})
            ib.cancelOrder(trades[0].order)
            await until(trades[0].isDone)
            again = ib.placeOrder(near, order("BUY", 1, 19_000, "GTC"))
            await until(lambda: again.orderStatus.status == "Submitted")

    patient.run(main())
