"""Orders over real sockets with the real ib_async client, used as it is meant to be used."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from ib_async import IB, Contract, ExecutionFilter, Future, LimitOrder

from adapters.simulator.exchange.orders import NewOrder, Side
from adapters.simulator.exchange.sessions import Session, Sessions
from adapters.simulator.tws.order_log import OrderAction
from tests import patient
from tests.integration.tws_server_bench import ACCOUNT, MBT, AdvancingClock, bench, codes, mbt, order, until


def test_an_ioc_order_fills_over_several_executions() -> None:
    """3 at 20,005 and 2 at 20,010: average 20,007; commissions of 1.25 a contract come apart and later."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.market([(19_995, 100)], [(20_005, 3), (20_010, 4)])
            reports: list[Any] = []
            ib.commissionReportEvent += lambda trade, fill, report: reports.append(report)
            trade = ib.placeOrder(contract, order("BUY", 5, 20_010, orderRef="plan-1"))
            await until(lambda: trade.orderStatus.status == "Filled")
            assert not reports
            assert [(f.execution.shares, f.execution.price) for f in trade.fills] == [
                (3, 20_005),
                (2, 20_010),
            ]
            assert [f.execution.cumQty for f in trade.fills] == [3, 5]
            assert {f.execution.orderRef for f in trade.fills} == {"plan-1"}
            assert {f.execution.side for f in trade.fills} == {"BOT"}
            assert all(f.execution.execId.endswith(".01.01") for f in trade.fills)
            assert trade.orderStatus.avgFillPrice == 20_007
            assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (5, 0)
            assert trade.order.permId == trade.fills[0].execution.permId > 0
            await until(lambda: len(reports) == 2)
            assert [(r.commission, r.currency, r.realizedPNL) for r in reports] == [
                (3.75, "USD", 0),
                (2.5, "USD", 0),
            ]
            statuses = [entry.status for entry in trade.log]
            assert statuses[:2] == ["PendingSubmit", "PreSubmitted"]
            assert statuses[-1] == "Filled"

    patient.run(main())


def test_the_rest_of_an_ioc_order_is_cancelled() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.market([(19_995, 100)], [(20_005, 2), (20_050, 9)])
            trade = ib.placeOrder(contract, order("BUY", 5, 20_010))
            await until(lambda: 202 in codes(trade) or trade.isDone())
            assert trade.orderStatus.status == "Cancelled"
            assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (2, 3)
            assert trade.filled() == 2
            nothing = ib.placeOrder(contract, order("BUY", 1, 20_000))
            await until(nothing.isDone)
            assert nothing.orderStatus.status == "Cancelled"
            assert not nothing.fills

    patient.run(main())


def test_a_resting_order_is_changed_partly_filled_and_cancelled() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            errors: list[tuple[int, int, str]] = []
            ib.errorEvent += lambda req_id, code, text, contract: errors.append((req_id, code, text))
            contract = await mbt(ib)
            trade = ib.placeOrder(contract, order("BUY", 4, 19_990, "GTC"))
            await until(lambda: trade.orderStatus.status == "Submitted")
            trade.order.lmtPrice = 19_985
            trade.order.totalQuantity = 6
            assert ib.placeOrder(contract, trade.order) is trade
            await until(lambda: trade.log[-1].message == "Modified" or trade.orderStatus.remaining == 6)
            (live,) = await ib.reqOpenOrdersAsync()
            assert (live.order.lmtPrice, live.order.totalQuantity) == (19_985, 6)
            assert live is trade
            b.market([(19_975, 1)], [(19_980, 2)])
            await until(lambda: trade.orderStatus.filled == 2)
            assert trade.orderStatus.status == "Submitted"
            assert trade.fills[0].execution.price == 19_985
            assert trade.fills[0].execution.lastLiquidity == 1
            ib.cancelOrder(trade.order)
            await until(lambda: (trade.order.orderId, 202, "Order Canceled - reason:") in errors)
            assert trade.orderStatus.status == "Cancelled"
            assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (2, 4)
            assert await ib.reqOpenOrdersAsync() == []
            ib.cancelOrder(trade.order)
            await until(lambda: errors[-1][1] == 10148)
            assert errors[-1][2].endswith("cannot be cancelled, state: Cancelled.")
            done = await ib.reqCompletedOrdersAsync(False)
            assert [t.order.permId for t in done] == [trade.order.permId]
            actions = [entry.action for entry in b.server.order_log]
            assert actions == [
                OrderAction.PLACE,
                OrderAction.MODIFY,
                OrderAction.CANCEL,
                OrderAction.CANCEL,
            ]

    patient.run(main())


def test_refused_orders_die_as_they_do_at_the_broker() -> None:
    """Off tick (110): an error and no more. Rejected (201): shown as inactive."""

    async def main() -> None:
        async with bench(deposit=1_000) as b:
            ib = await b.client()
            contract = await mbt(ib)
            off_tick = ib.placeOrder(contract, order("BUY", 1, 19_991, "GTC"))
            await until(off_tick.isDone)
            assert codes(off_tick) == [110]
            assert off_tick.order.permId == 0
            cents = ib.placeOrder(contract, order("BUY", 1, 19_990.001, "GTC"))
            await until(cents.isDone)
            assert codes(cents) == [110]
            # Two MBT at 20,000 are worth 4,000 USD; half of that is more than the 1,000 USD there are.
            margin = ib.placeOrder(contract, order("BUY", 2, 19_990, "GTC"))
            await until(lambda: margin.orderStatus.status == "Inactive")
            assert codes(margin) == [201]
            assert "AVAILABLE FUNDS [1000.00 USD]" in margin.log[1].message
            assert "[2000.00 USD]" in margin.log[1].message
            assert await ib.reqAllOpenOrdersAsync() == []
            assert ib.positions() == []

    patient.run(main())


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"account": "DU9999999"}, 321),
    ({"tif": "XYZ"}, 321),
    ({"action": "HOLD"}, 321),
    ({"totalQuantity": 0}, 434),
    ({"totalQuantity": 1.5}, 321),
    ({"orderType": "TRAIL"}, 387),
    ({"orderType": "STP"}, 321),
    ({"orderType": "STP", "auxPrice": 0}, 321),
    ({"orderType": "STP", "auxPrice": 20_000, "triggerMethod": 8}, 321),
    ({"orderType": "FEELINGS"}, 321),
    ({"tif": "GTD"}, 391),
    ({"tif": "GTD", "goodTillDate": "tomorrow"}, 391),
    ({"tif": "GTD", "goodTillDate": "20200101-00:00:00"}, 201),
    ({"transmit": False}, 321),
    ({"allOrNone": True}, 321),
    ({"algoStrategy": "Adaptive"}, 321),
    ({"displaySize": 1}, 321),
    ({"parentId": 1}, 321),
    ({"ocaGroup": "g"}, 321),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED, ids=lambda v: str(v))
def test_what_does_not_make_sense_is_refused(fields: dict[str, Any], code: int) -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            errors: list[int] = []
            ib.errorEvent += lambda req_id, number, text, contract: errors.append(number)
            asked = order("BUY", 1, 20_005, "GTC")
            for name, value in fields.items():
                setattr(asked, name, value)
            ib.placeOrder(contract, asked)
            await until(lambda: errors == [code])
            assert await ib.reqAllOpenOrdersAsync() == []
            assert b.exchange.orders(ACCOUNT) == []

    patient.run(main())


def test_an_order_needs_one_contract_and_an_exchange() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            errors: list[int] = []
            ib.errorEvent += lambda req_id, code, text, contract: errors.append(code)
            ib.placeOrder(Future("MBT", exchange="CME"), order("BUY", 1, 20_005))
            ib.placeOrder(Future("DOGE", exchange="CME"), order("BUY", 1, 20_005))
            ib.placeOrder(Future("MBT", "203006"), order("BUY", 1, 20_005))
            await until(lambda: errors == [200, 200, 321])

    patient.run(main())


def untyped(client: object) -> Any:
    """Return what ib_async leaves without types."""
    return client


def place_as(ib: IB, order_id: int, contract: Contract, asked: LimitOrder) -> None:
    """Send an order under any id, past ib_async's own checks."""
    untyped(ib.client).placeOrder(order_id, contract, asked)


def test_order_ids_are_used_once() -> None:
    """A used id is refused (103), a filled order cannot be changed (104)."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            errors: list[tuple[int, int]] = []
            ib.errorEvent += lambda req_id, code, text, contract: errors.append((req_id, code))
            trade = ib.placeOrder(contract, order("BUY", 1, 20_005))
            await until(trade.isDone)
            place_as(ib, trade.order.orderId, contract, order("BUY", 1, 20_010))
            await until(lambda: errors == [(trade.order.orderId, 104)])
            below = trade.order.orderId - 1
            place_as(ib, below, contract, order("BUY", 1, 20_010))
            await until(lambda: errors[-1] == (below, 103))
            rests = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC"))
            await until(lambda: rests.orderStatus.status == "Submitted")
            for wrong, code in (
                (order("SELL", 1, 19_000, "GTC"), 105),
                (order("BUY", 1, 19_001, "GTC"), 110),
                (order("BUY", 1, 19_000, "DAY"), 321),
            ):
                place_as(ib, rests.order.orderId, contract, wrong)
                expected = rests.order.orderId, code
                await until(lambda: errors[-1] == expected)  # noqa: B023 - awaited before the next turn
            (live,) = b.exchange.orders(ACCOUNT, live_only=True)
            assert (live.price, live.quantity) == (19_000_00, 1)

    patient.run(main())


def test_only_its_own_client_can_cancel_an_order() -> None:
    async def main() -> None:
        async with bench() as b:
            first, second = await b.client(1), await b.client(2)
            contract = await mbt(first)
            trade = first.placeOrder(contract, order("SELL", 1, 21_000, "GTC"))
            await until(lambda: trade.orderStatus.status == "Submitted")
            errors: list[tuple[int, int]] = []
            second.errorEvent += lambda req_id, code, text, contract: errors.append((req_id, code))
            assert await second.reqOpenOrdersAsync() == []
            (seen,) = await second.reqAllOpenOrdersAsync()
            assert (seen.order.clientId, seen.order.orderId) == (1, trade.order.orderId)
            second.cancelOrder(seen.order)
            await until(lambda: errors == [(trade.order.orderId, 10147)])
            assert trade.orderStatus.status == "Submitted"
            untyped(second).reqGlobalCancel()
            await until(trade.isDone)
            assert trade.orderStatus.status == "Cancelled"

    patient.run(main())


def test_client_0_handles_orders_placed_by_hand() -> None:
    """An order that did not come through the API is shown to client 0 under a negative id."""

    async def main() -> None:
        async with bench() as b:
            by_hand = b.exchange.place(ACCOUNT, NewOrder(MBT, Side.BUY, 2, 19_000_00))
            other, zero = await b.client(5), await b.client(0)
            assert other.openTrades() == []
            (trade,) = zero.openTrades()
            assert trade.order.permId == by_hand.number
            assert trade.order.orderId < 0
            zero.cancelOrder(trade.order)
            await until(lambda: b.exchange.orders(ACCOUNT, live_only=True) == [])

    patient.run(main())


def test_a_second_cancel_on_its_way_and_latency() -> None:
    """While the first is under way a second cancel is refused (161); orders take their time."""

    async def main() -> None:
        async with bench(latency_ms=60) as b:
            ib = await b.client()
            contract = await mbt(ib)
            errors: list[int] = []
            ib.errorEvent += lambda req_id, code, text, contract: errors.append(code)
            loop = asyncio.get_running_loop()
            start = loop.time()
            trade = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC"))
            await until(lambda: trade.orderStatus.status == "Submitted")
            assert loop.time() - start >= 0.06
            ib.cancelOrder(trade.order)
            ib.cancelOrder(trade.order)
            await until(lambda: errors == [161, 202])

    patient.run(main())


def test_what_if_tells_the_margin_and_places_nothing() -> None:
    """Ten MBT long at mark 20,000: worth 20,000 USD, margin 50 % and 40 %, commission 12.50."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            state = await asyncio.wait_for(ib.whatIfOrderAsync(contract, order("BUY", 10, 20_005)), 2)
            assert (float(state.initMarginChange), float(state.maintMarginChange)) == (10_000, 8_000)
            assert float(state.equityWithLoanBefore) == 100_000
            assert float(state.equityWithLoanAfter) == 99_987.5
            assert (state.commission, state.commissionCurrency) == (12.5, "USD")
            assert b.exchange.orders(ACCOUNT) == []
            assert b.server.order_log[-1].action is OrderAction.WHAT_IF

    patient.run(main())


def test_an_order_for_a_closed_market_is_held() -> None:
    """399 and PreSubmitted until the open; an immediate order is rejected."""

    async def main() -> None:
        clock = AdvancingClock()
        opens = clock.now() + timedelta(hours=5)
        sessions = Sessions.of([Session(opens, opens + timedelta(hours=1))])
        async with bench(sessions=sessions, clock=clock) as b:
            ib = await b.client()
            contract = await mbt(ib)
            held = ib.placeOrder(contract, order("BUY", 1, 20_005, "GTC"))
            await until(lambda: 399 in codes(held))
            assert held.log[1].status == "PreSubmitted"
            assert "US/Central" in held.log[-1].message
            now = ib.placeOrder(contract, order("BUY", 1, 20_005))
            await until(lambda: now.orderStatus.status == "Inactive")
            assert "Exchange is closed" in now.log[1].message
            clock.advance_to(opens)
            b.market([(19_995, 10)], [(20_005, 10)])
            b.exchange.step()
            await until(lambda: held.orderStatus.status == "Filled")

    patient.run(main())


@pytest.mark.parametrize("tif", ["GTD", "DAY"])
def test_an_order_ends_with_its_time(tif: str) -> None:
    """GTD at its date, in UTC and whole seconds; DAY with the session."""

    async def main() -> None:
        clock = AdvancingClock()
        end = clock.now().replace(microsecond=0) + timedelta(seconds=20)
        sessions = Sessions.of([Session(end - timedelta(hours=1), end)])
        fields = {"goodTillDate": f"{end:%Y%m%d-%H:%M:%S}"} if tif == "GTD" else {}
        async with bench(sessions=sessions, clock=clock) as b:
            ib = await b.client()
            trade = ib.placeOrder(await mbt(ib), order("BUY", 1, 19_000, tif, **fields))
            await until(lambda: trade.orderStatus.status == "Submitted")
            clock.advance_to(end - timedelta(seconds=1))
            b.exchange.step()
            await asyncio.sleep(0.02)
            assert not trade.isDone()
            clock.advance_to(end)
            b.exchange.step()
            await until(trade.isDone)
            assert trade.orderStatus.status == "Cancelled"

    patient.run(main())


def test_executions_are_told_again_after_a_reconnect() -> None:
    """What happened while a client was away is in reqExecutions, with its order and its commission."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            rests = ib.placeOrder(contract, order("BUY", 3, 19_990, "GTC", orderRef="away"))
            await until(lambda: rests.orderStatus.status == "Submitted")
            ib.disconnect()
            b.market([(19_980, 5)], [(19_985, 2)])
            await asyncio.sleep(0.05)
            again = await b.client()
            (fill,) = again.fills()
            assert (fill.execution.shares, fill.execution.orderRef) == (2, "away")
            assert fill.execution.clientId == 1
            assert fill.commissionReport.commission == 2.5
            (trade,) = again.openTrades()
            assert trade.order.orderId == rests.order.orderId
            assert trade.orderStatus.filled == 2
            trade_id = trade.order.orderId
            assert again.client.getReqId() > trade_id
            other = await b.client(2)
            assert [f.execution.execId for f in other.fills()] == [fill.execution.execId]

    patient.run(main())


def test_executions_can_be_filtered() -> None:
    async def main() -> None:
        async with bench() as b:
            first, second = await b.client(1), await b.client(2)
            contract = await mbt(first)
            bought = first.placeOrder(contract, order("BUY", 1, 20_005))
            sold = second.placeOrder(contract, order("SELL", 2, 19_995))
            await until(lambda: bought.isDone() and sold.isDone())
            for wanted, sizes in (
                (ExecutionFilter(), [1, 2]),
                (ExecutionFilter(clientId=2), [2]),
                (ExecutionFilter(side="BUY"), [1]),
                (ExecutionFilter(symbol="BRR"), []),
                (ExecutionFilter(acctCode="DU9"), []),
                (ExecutionFilter(time="20200101 00:00:00 US/Central"), [1, 2]),
                (ExecutionFilter(time="20400101-00:00:00"), []),
            ):
                found = await first.reqExecutionsAsync(wanted)
                assert [fill.execution.shares for fill in found] == sizes

    patient.run(main())


def test_a_limit_order_without_a_time_in_force_is_a_day_order() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            trade = ib.placeOrder(await mbt(ib), LimitOrder("BUY", 1, 19_000))
            await until(lambda: trade.orderStatus.status == "Submitted")
            (live,) = await (await b.client(2)).reqAllOpenOrdersAsync()
            assert (live.order.tif, live.order.account) == ("DAY", ACCOUNT)

    patient.run(main())
