"""ib_insync 0.9.86, its synchronous face, against the simulated broker."""

import asyncio
from itertools import pairwise
from typing import Any

# Its import wants an event loop to be there, which Python from 3.14 on no longer makes by itself.
asyncio.set_event_loop(asyncio.new_event_loop())

from ib_insync import IB, Future, LimitOrder  # type: ignore[import-not-found]  # noqa: E402

from tests.clients import steps  # noqa: E402
from tests.clients.steps import expect, hold, step, wait  # noqa: E402

COMMISSION = 2.37
"""USD a MBT contract and side."""


def main() -> None:
    options = steps.arguments()
    ib = IB()
    try:
        run(ib, options.port, options.account)
    finally:
        ib.disconnect()


def run(ib: Any, port: int, account: str) -> None:
    errors: list[int] = []
    ib.errorEvent += lambda req_id, code, text, contract: errors.append(code)

    def until(condition: Any, what: str) -> None:
        wait(condition, what, ib.sleep)

    def order(action: str, quantity: int, price: float, tif: str) -> Any:
        return LimitOrder(action, quantity, price, tif=tif, account=account, outsideRth=True)

    with step(steps.CONNECT) as note:
        name = steps.installed("ib-insync", "0.9.86")
        ib.connect(steps.HOST, port, clientId=21, timeout=steps.PATIENCE)
        expect(ib.managedAccounts(), [account], "the accounts")
        note.text = f"{name}, server version {ib.client.serverVersion()}"

    with step(steps.INSTRUMENTS) as note:
        (micro,) = ib.reqContractDetails(Future("MBT", exchange="CME"))
        (large,) = ib.reqContractDetails(Future("BRR", exchange="CME", tradingClass="BTC"))
        expect((micro.contract.multiplier, micro.minTick), ("0.1", 5), "MBT's multiplier and tick")
        expect((large.contract.multiplier, large.minTick), ("5", 5), "BTC's multiplier and tick")
        hold(micro.tradingHours, "there are no trading hours")
        (contract,) = ib.qualifyContracts(Future(conId=micro.contract.conId))
        note.text = f"{contract.localSymbol} {contract.conId}, {large.contract.localSymbol}"

    with step(steps.QUOTES) as note:
        ticker = ib.reqMktData(contract)
        until(lambda: ticker.bid > 0 and ticker.ask > ticker.bid, "both sides of the quote")
        depth = ib.reqMktDepth(contract, 5)
        until(lambda: len(depth.domBids) == len(depth.domAsks) == 5, "five rows of depth")
        hold(all(a.price > b.price for a, b in pairwise(depth.domBids)), "the bids are out of order")
        note.text = f"{ticker.bid:.0f} / {ticker.ask:.0f}"

    with step(steps.PLACE) as note:
        trade = ib.placeOrder(contract, order("BUY", 1, ticker.bid - 1_000, "GTC"))
        until(lambda: trade.orderStatus.status == "Submitted", "Submitted")
        hold(trade.order.permId > 0, "no permId")
        note.text = f"permId {trade.order.permId}"

    with step(steps.AMEND) as note:
        trade.order.lmtPrice -= 5
        trade.order.totalQuantity = 2
        wanted = trade.order.lmtPrice, 2
        hold(ib.placeOrder(contract, trade.order) is trade, "another order came of it")
        until(lambda: trade.orderStatus.remaining == 2, "the new quantity")
        (live,) = ib.reqOpenOrders()
        expect((live.order.lmtPrice, live.order.totalQuantity), wanted, "price and quantity")
        note.text = f"{live.order.totalQuantity:.0f} @ {live.order.lmtPrice:.0f}"

    with step(steps.CANCEL) as note:
        ib.cancelOrder(trade.order)
        until(lambda: trade.orderStatus.status == "Cancelled", "Cancelled")
        expect(ib.reqOpenOrders(), [], "the open orders")
        (done,) = ib.reqCompletedOrders(True)
        expect(done.order.permId, trade.order.permId, "the completed order")
        note.text = "Cancelled"

    with step(steps.REFUSED) as note:
        errors.clear()
        ib.placeOrder(contract, order("BUY", 1, ticker.bid - 1_001, "GTC"))
        until(lambda: errors, "an error")
        expect(errors, [110], "the errors of an order off the tick")
        note.text = "110"

    with step(steps.TAKE) as note:
        taken = ib.placeOrder(contract, order("BUY", 2, ticker.ask + 500, "IOC"))
        until(taken.isDone, "the end of the order")
        expect((taken.orderStatus.status, taken.filled()), ("Filled", 2), "status and quantity")
        hold(taken.orderStatus.avgFillPrice <= taken.order.lmtPrice, "filled above its limit")
        note.text = f"2 @ {taken.orderStatus.avgFillPrice:.1f}"

    with step(steps.REST) as note:
        rested = ib.placeOrder(contract, order("BUY", 1, ticker.bid, "GTC"))
        for _ in range(steps.ATTEMPTS):
            if rested.isDone():
                break
            ib.sleep(1)
            if not rested.isDone() and ticker.bid != rested.order.lmtPrice:
                rested.order.lmtPrice = ticker.bid
                ib.placeOrder(contract, rested.order)
        expect((rested.orderStatus.status, rested.filled()), ("Filled", 1), "status and quantity")
        note.text = f"1 @ {rested.orderStatus.avgFillPrice:.0f}"

    with step(steps.TRADES) as note:
        until(lambda: all(f.commissionReport.execId for f in ib.fills()), "the commissions")
        fills = ib.reqExecutions()
        expect(sum(f.execution.shares for f in fills), 3, "contracts bought")
        paid = sum(f.commissionReport.commission for f in ib.fills())
        expect(round(paid, 2), round(3 * COMMISSION, 2), "commissions, USD")
        note.text = f"3 contracts, {paid:.2f} USD"

    with step(steps.POSITIONS) as note:
        (held,) = ib.reqPositions()
        expect((held.contract.conId, held.position), (contract.conId, 3), "contract and size")
        cost = sum(f.execution.shares * f.execution.price for f in fills) / 10 + paid
        expect(round(held.avgCost * 3, 6), round(cost, 6), "cost with commissions, USD")
        note.text = f"3 {held.contract.localSymbol}"

    with step(steps.BALANCE) as note:
        tags = ("NetLiquidation", "InitMarginReq", "MaintMarginReq", "ExcessLiquidity")
        rows = {row.tag: float(row.value) for row in ib.accountSummary(account) if row.tag in tags}
        hold(0 < rows["InitMarginReq"] < rows["NetLiquidation"], "no initial margin is asked")
        excess = rows["NetLiquidation"] - rows["MaintMarginReq"]
        expect(round(rows["ExcessLiquidity"], 2), round(excess, 2), "ExcessLiquidity")
        values = {v.tag for v in ib.accountValues(account)}
        hold({"NetLiquidation", "FullInitMarginReq", "Cushion"} <= values, "account values are missing")
        note.text = f"{rows['NetLiquidation']:.2f} USD"


if __name__ == "__main__":
    main()
