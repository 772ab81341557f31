"""The broker's own ibapi 9.81.1.post1 (server version 157), against the simulated broker."""

import socket
from collections import defaultdict
from threading import Thread
from time import sleep
from typing import Any

from ibapi.client import EClient  # type: ignore[import-not-found]
from ibapi.contract import Contract  # type: ignore[import-not-found]
from ibapi.execution import ExecutionFilter  # type: ignore[import-not-found]
from ibapi.order import Order  # type: ignore[import-not-found]
from ibapi.wrapper import EWrapper  # type: ignore[import-not-found]

from tests.clients import steps
from tests.clients.steps import expect, hold, step, wait

BID, ASK = 1, 2
TERMS, POSITIONS, SUMMARY, EXECUTIONS, TICKS, DEPTH = range(9_001, 9_007)
COMMISSION = 2.37
"""USD a MBT contract and side."""


class App(EWrapper, EClient):  # type: ignore[misc]
    """Keeps what it is told."""

    def __init__(self) -> None:
        EClient.__init__(self, self)
        self.next_id = 0
        self.accounts = ""
        self.errors: list[tuple[int, int]] = []
        self.details: list[Any] = []
        self.prices: dict[int, float] = {}
        self.rows: dict[tuple[int, int], float] = {}
        self.status: dict[int, str] = {}
        self.filled: dict[int, float] = defaultdict(float)
        self.average: dict[int, float] = {}
        self.open: dict[int, Any] = {}
        self.completed: list[Any] = []
        self.executions: dict[str, Any] = {}
        self.commissions: dict[str, float] = {}
        self.positions: dict[int, tuple[float, float]] = {}
        self.summary: dict[str, float] = {}
        self.ended: set[object] = set()

    def nextValidId(self, orderId: int) -> None:  # noqa: N802, N803 - the library's own name
        self.next_id = orderId

    def managedAccounts(self, accountsList: str) -> None:  # noqa: N802, N803
        self.accounts = accountsList

    def error(self, reqId: int, errorCode: int, errorString: str) -> None:  # noqa: N803
        self.errors.append((reqId, errorCode))

    def contractDetails(self, reqId: int, contractDetails: Any) -> None:  # noqa: N802, N803
        self.details.append(contractDetails)

    def contractDetailsEnd(self, reqId: int) -> None:  # noqa: N802, N803
        self.ended.add(reqId)

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:  # noqa: N802, N803
        self.prices[tickType] = price

    def updateMktDepth(  # noqa: N802
        self,
        reqId: int,  # noqa: N803
        position: int,
        operation: int,
        side: int,
        price: float,
        size: int,
    ) -> None:
        self.rows[side, position] = price

    def openOrder(self, orderId: int, contract: Any, order: Any, orderState: Any) -> None:  # noqa: N802, N803
        self.open[orderId] = order

    def openOrderEnd(self) -> None:  # noqa: N802
        self.ended.add("open")

    def orderStatus(self, orderId: int, status: str, filled: float, *others: Any) -> None:  # noqa: N802, N803
        self.status[orderId] = status
        self.filled[orderId] = filled
        self.average[orderId] = others[1]

    def completedOrder(self, contract: Any, order: Any, orderState: Any) -> None:  # noqa: N802, N803
        self.completed.append(order)

    def completedOrdersEnd(self) -> None:  # noqa: N802
        self.ended.add("completed")

    def execDetails(self, reqId: int, contract: Any, execution: Any) -> None:  # noqa: N802, N803
        self.executions[execution.execId] = execution

    def execDetailsEnd(self, reqId: int) -> None:  # noqa: N802, N803
        self.ended.add(reqId)

    def commissionReport(self, commissionReport: Any) -> None:  # noqa: N802, N803
        self.commissions[commissionReport.execId] = commissionReport.commission

    def position(self, account: str, contract: Any, position: float, avgCost: float) -> None:  # noqa: N803
        self.positions[contract.conId] = position, avgCost

    def positionEnd(self) -> None:  # noqa: N802
        self.ended.add(POSITIONS)

    def accountSummary(self, reqId: int, account: str, tag: str, value: str, currency: str) -> None:  # noqa: N802, N803
        self.summary[tag] = float(value)

    def accountSummaryEnd(self, reqId: int) -> None:  # noqa: N802, N803
        self.ended.add(reqId)


def main() -> None:
    options = steps.arguments()
    app = App()
    try:
        run(app, options.port, options.account)
    finally:
        app.disconnect()


def future(symbol: str, trading_class: str = "") -> Any:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "FUT", "CME", "USD"
    contract.tradingClass = trading_class
    return contract


def limit(action: str, quantity: int, price: float, tif: str, account: str) -> Any:
    order = Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice = action, quantity, "LMT", price
    order.tif, order.account, order.outsideRth = tif, account, True
    return order


def run(app: App, port: int, account: str) -> None:
    with step(steps.CONNECT) as note:
        name = steps.installed("ibapi", "9.81.1.post1")
        app.reqCurrentTime()
        expect(app.errors, [(-1, 504)], "what is said before there is a connection")
        with socket.create_server((steps.HOST, 0)) as free:
            nobody = free.getsockname()[1]
        app.connect(steps.HOST, nobody, 31)
        expect(app.errors[1:], [(-1, 502)], "what is said where nobody listens")
        app.connect(steps.HOST, port, 31)
        Thread(target=app.run, daemon=True).start()
        wait(lambda: app.next_id and app.accounts, "nextValidId and the accounts")
        expect(app.accounts, account, "the account")
        note.text = f"{name}, server version {app.serverVersion()}"

    def place(order: Any) -> int:
        order_id = app.next_id
        app.next_id += 1
        app.placeOrder(order_id, contract, order)
        return order_id

    with step(steps.INSTRUMENTS) as note:
        for query in (future("MBT"), future("BRR", "BTC")):
            app.ended.discard(TERMS)
            app.reqContractDetails(TERMS, query)
            wait(lambda: TERMS in app.ended, "the contract's details")
        micro, large = app.details
        expect((micro.contract.multiplier, micro.minTick), ("0.1", 5), "MBT's multiplier and tick")
        expect((large.contract.multiplier, large.minTick), ("5", 5), "BTC's multiplier and tick")
        hold(micro.tradingHours, "there are no trading hours")
        contract = micro.contract
        note.text = f"{contract.localSymbol} {contract.conId}, {large.contract.localSymbol}"

    with step(steps.QUOTES) as note:
        app.reqMktData(TICKS, contract, "", False, False, [])
        app.reqMktDepth(DEPTH, contract, 5, False, [])
        wait(lambda: {BID, ASK} <= set(app.prices) and len(app.rows) == 10, "quotes and five rows a side")
        hold(app.prices[BID] < app.prices[ASK], "the quote is crossed")
        note.text = f"{app.prices[BID]:.0f} / {app.prices[ASK]:.0f}"

    with step(steps.PLACE) as note:
        order = limit("BUY", 1, app.prices[BID] - 1_000, "GTC", account)
        order_id = place(order)
        wait(lambda: app.status.get(order_id) == "Submitted", "Submitted")
        hold(app.open[order_id].permId > 0, "no permId")
        note.text = f"permId {app.open[order_id].permId}"

    with step(steps.AMEND) as note:
        order.lmtPrice, order.totalQuantity = order.lmtPrice - 5, 2
        app.placeOrder(order_id, contract, order)
        wait(lambda: app.open[order_id].totalQuantity == 2, "the new quantity")
        app.open.clear()
        app.reqOpenOrders()
        wait(lambda: "open" in app.ended, "the open orders")
        expect(list(app.open), [order_id], "the open orders")
        expect(app.open[order_id].lmtPrice, order.lmtPrice, "the price")
        note.text = f"2 @ {app.open[order_id].lmtPrice:.0f}"

    with step(steps.CANCEL) as note:
        app.cancelOrder(order_id)
        wait(lambda: app.status[order_id] == "Cancelled", "Cancelled")
        wait(lambda: (order_id, 202) in app.errors, "error 202")
        app.reqCompletedOrders(True)
        wait(lambda: "completed" in app.ended, "the completed orders")
        expect([o.totalQuantity for o in app.completed], [2], "quantities of the completed orders")
        note.text = "Cancelled, 202"

    with step(steps.REFUSED) as note:
        refused = place(limit("BUY", 1, app.prices[BID] - 1_001, "GTC", account))
        wait(lambda: app.errors[-1][0] == refused, "an error")
        expect(app.errors[-1], (refused, 110), "the error of an order off the tick")
        note.text = "110"

    with step(steps.TAKE) as note:
        most = app.prices[ASK] + 500
        taken = place(limit("BUY", 2, most, "IOC", account))
        wait(lambda: app.status.get(taken) in ("Filled", "Cancelled"), "the end of the order")
        expect((app.status[taken], app.filled[taken]), ("Filled", 2), "status and quantity")
        hold(app.average[taken] <= most, "filled above its limit")
        note.text = f"2 @ {app.average[taken]:.1f}"

    with step(steps.REST) as note:
        resting = limit("BUY", 1, app.prices[BID], "GTC", account)
        rested = place(resting)
        for _ in range(steps.ATTEMPTS):
            if app.status.get(rested) == "Filled":
                break
            sleep(1)
            if app.status.get(rested) != "Filled" and app.prices[BID] != resting.lmtPrice:
                resting.lmtPrice = app.prices[BID]
                app.placeOrder(rested, contract, resting)
        expect((app.status[rested], app.filled[rested]), ("Filled", 1), "status and quantity")
        note.text = f"1 @ {app.average[rested]:.0f}"

    with step(steps.TRADES) as note:
        wait(lambda: app.commissions.keys() == app.executions.keys(), "the commissions")
        told, app.executions = app.executions, {}
        app.reqExecutions(EXECUTIONS, ExecutionFilter())
        wait(lambda: EXECUTIONS in app.ended, "the executions")
        expect(app.executions.keys(), told.keys(), "the executions asked for")
        expect(sum(e.shares for e in app.executions.values()), 3, "contracts bought")
        paid = sum(app.commissions.values())
        expect(round(paid, 2), round(3 * COMMISSION, 2), "commissions, USD")
        note.text = f"3 contracts, {paid:.2f} USD"

    with step(steps.POSITIONS) as note:
        app.reqPositions()
        wait(lambda: POSITIONS in app.ended, "the positions")
        expect(list(app.positions), [contract.conId], "the contracts held")
        size, average = app.positions[contract.conId]
        expect(size, 3, "the position")
        cost = sum(e.shares * e.price for e in app.executions.values()) / 10 + paid
        expect(round(average * 3, 6), round(cost, 6), "cost with commissions, USD")
        note.text = f"3 {contract.localSymbol}"

    with step(steps.BALANCE) as note:
        app.reqAccountSummary(SUMMARY, "All", "NetLiquidation,InitMarginReq,MaintMarginReq,ExcessLiquidity")
        wait(lambda: SUMMARY in app.ended, "the account summary")
        rows = app.summary
        hold(0 < rows["InitMarginReq"] < rows["NetLiquidation"], "no initial margin is asked")
        excess = rows["NetLiquidation"] - rows["MaintMarginReq"]
        expect(round(rows["ExcessLiquidity"], 2), round(excess, 2), "ExcessLiquidity")
        note.text = f"{rows['NetLiquidation']:.2f} USD"


if __name__ == "__main__":
    main()
