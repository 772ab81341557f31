"""Positions and account values over real sockets: every figure computed by hand.

Commission 1.25 USD a contract and side; 0.1 XBT a contract; margin long 50 % / 40 %, short 100 % / 80 %.
"""

import asyncio
from datetime import timedelta
from typing import Any

from ib_async import IB

from adapters.simulator.exchange.orders import ExecKind
from tests import patient
from tests.integration.tws_server_bench import (
    ACCOUNT,
    DOLLAR,
    EXPIRY,
    AdvancingClock,
    bench,
    mbt,
    order,
    until,
)


def values(ib: IB, currency: str = "USD") -> dict[str, str]:
    return {v.tag: v.value for v in ib.accountValues(ACCOUNT) if v.currency == currency}


def test_account_values_and_the_portfolio_after_a_purchase() -> None:
    """4 at 20,005, mark 20,000: cost 8,002, value 8,000, commission 5: equity 100,000 − 5 − 2."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            assert values(ib)["NetLiquidation"] == "100000.00"
            contract = await mbt(ib)
            trade = ib.placeOrder(contract, order("BUY", 4, 20_005))
            await until(trade.isDone)
            # The portfolio comes behind the values of the same picture.
            await until(lambda: [line.unrealizedPNL for line in ib.portfolio()] == [-7])
            shown = values(ib)
            assert shown["TotalCashBalance"] == shown["TotalCashValue"] == "99993.00"
            assert shown["FuturesPNL"] == "-2.00"
            assert shown["UnrealizedPnL"] == "-7.00"
            assert shown["RealizedPnL"] == "0.00"
            assert shown["FullInitMarginReq"] == shown["InitMarginReq"] == "4000.00"
            assert shown["FullMaintMarginReq"] == shown["MaintMarginReq"] == "3200.00"
            assert shown["AvailableFunds"] == "95993.00"
            assert shown["ExcessLiquidity"] == shown["LookAheadExcessLiquidity"] == "96793.00"
            assert values(ib, "")["Cushion"] == "0.967998"
            (line,) = ib.portfolio()
            assert (line.position, line.marketPrice, line.marketValue) == (4, 20_000, 8_000)
            assert (line.averageCost, line.unrealizedPNL, line.realizedPNL) == (2_001.75, -7, 0)
            (position,) = ib.positions()
            assert (position.position, position.avgCost) == (4, 2_001.75)
            assert position.contract.conId == contract.conId

    patient.run(main())


def test_results_are_exact_in_cents_and_net_of_commissions() -> None:
    """Short 3 at 19,995, one bought back at 20,005, the others at 20,010.

    Gross −1.00 and −3.00; net of 2.50 a contract for both sides: −3.50 and −8.00. Cash: −4.00 − 7.50.
    """

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            reports: list[Any] = []
            ib.commissionReportEvent += lambda trade, fill, report: reports.append(report)
            for action, quantity, price in (("SELL", 3, 19_995), ("BUY", 1, 20_005)):
                trade = ib.placeOrder(contract, order(action, quantity, price))
                await until(trade.isDone)
            await until(lambda: len(ib.positions()) == 1 and ib.positions()[0].position == -2)
            assert ib.positions()[0].avgCost == 1_998.25
            b.market([(19_995, 100)], [(20_010, 100)])
            trade = ib.placeOrder(contract, order("BUY", 2, 20_010))
            await until(lambda: len(reports) == 3)
            assert [r.realizedPNL for r in reports] == [0, -3.5, -8]
            await until(lambda: ib.positions() == [] and ib.portfolio() == [])
            shown = values(ib)
            assert shown["RealizedPnL"] == "-11.50"
            assert shown["NetLiquidation"] == shown["TotalCashBalance"] == "99988.50"
            assert shown["UnrealizedPnL"] == shown["FuturesPNL"] == "0.00"
            assert shown["InitMarginReq"] == "0.00"
            assert b.exchange.account(ACCOUNT).wallet == 99_988 * DOLLAR + DOLLAR // 2

    patient.run(main())


def test_values_stand_still_until_the_next_picture() -> None:
    """A price moves and nothing is told until the refresh is due; cash that moves is told at once."""

    async def main() -> None:
        async with bench(account_refresh_s=0.3) as b:
            ib = await b.client()
            trade = ib.placeOrder(await mbt(ib), order("BUY", 10, 20_005))
            await until(lambda: trade.isDone() and len(ib.positions()) == 1)
            await asyncio.sleep(0.02)
            before = values(ib)["NetLiquidation"]
            b.market([(20_995, 100)], [(21_005, 100)])
            await asyncio.sleep(0.05)
            assert values(ib)["NetLiquidation"] == before
            other = await b.client(2)
            assert values(other)["NetLiquidation"] == before
            await until(lambda: values(ib)["NetLiquidation"] == "100982.50")
            b.exchange.deposit(ACCOUNT, 50 * DOLLAR)
            await until(lambda: values(ib)["NetLiquidation"] == "101032.50", timeout=0.2)

    patient.run(main())


def test_an_account_summary() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            rows = {(v.tag, v.currency): v.value for v in await ib.accountSummaryAsync()}
            assert rows["NetLiquidation", "USD"] == "100000.00"
            assert rows["ExcessLiquidity", "USD"] == "100000.00"
            assert rows["Cushion", ""] == "1.000000"
            assert rows["TotalCashBalance", "BASE"] == "100000.00"
            assert ("AccountReady", "") not in rows
            codes: list[int] = []
            ib.errorEvent += lambda req_id, code, text, contract: codes.append(code)
            await ib.reqAccountSummaryAsync()
            await ib.reqAccountSummaryAsync()
            assert codes == [322]

    patient.run(main())


def test_other_clients_see_positions_change() -> None:
    async def main() -> None:
        async with bench() as b:
            trader, watcher = await b.client(1), await b.client(2)
            trade = trader.placeOrder(await mbt(trader), order("SELL", 3, 19_995))
            await until(lambda: [p.position for p in watcher.positions()] == [-3])
            assert trade.isDone()
            assert watcher.trades() == []
            assert [p.position for p in await watcher.reqPositionsAsync()] == [-3]

    patient.run(main())


def test_an_account_that_lacks_margin_is_liquidated_without_a_call() -> None:
    """8 long at 20,005 on 10,000 USD. At a mark of 12,400: equity 9,990 − 6,084 = 3,906, maintenance 3,968.

    62 USD lack, of 496 a contract: one is sold, at the bid of 12,395 and a commission of 1.25. What rested is
    cancelled (202); the execution carries no client's id, and says what it was.
    """

    async def main() -> None:
        async with bench(deposit=10_000) as b:
            ib = await b.client()
            contract = await mbt(ib)
            bought = ib.placeOrder(contract, order("BUY", 8, 20_005))
            await until(bought.isDone)
            rests = ib.placeOrder(contract, order("BUY", 1, 5_000, "GTC"))
            await until(lambda: rests.orderStatus.status == "Submitted")
            reasons: list[tuple[int, str]] = []
            ib.errorEvent += lambda req_id, code, text, contract: reasons.append((code, text))
            b.market([(12_395, 100)], [(12_405, 100)])
            b.exchange.step()
            await until(lambda: ib.positions()[0].position == 7)
            await until(rests.isDone)
            assert reasons == [(202, "Order Canceled - reason:Liquidation")]
            fills = await ib.reqExecutionsAsync()
            (forced,) = [f for f in fills if f.execution.liquidation]
            seen = forced.execution
            assert (seen.side, seen.shares, seen.price) == ("SLD", 1, 12_395)
            assert (seen.clientId, seen.orderId, seen.orderRef) == (0, 0, "")
            assert len(fills) == 2
            # 10,000 − 10 commission − 1.25; 0.1 × (12,395 − 20,005) realised; 0.7 × (12,400 − 20,005) open.
            # Realised net of the commissions of both sides of the one contract.
            expected = {"NetLiquidation": "3904.25", "RealizedPnL": "-763.50"}
            await until(lambda: expected.items() <= values(ib).items())

    patient.run(main())


def test_an_expired_contract_becomes_cash() -> None:
    """2 long at 20,005, settled at the index of 20,000 (nothing else was ever seen): 1 USD lost."""

    async def main() -> None:
        clock = AdvancingClock()
        async with bench(clock=clock) as b:
            ib = await b.client()
            trade = ib.placeOrder(await mbt(ib), order("BUY", 2, 20_005))
            await until(trade.isDone)
            clock.advance_to(EXPIRY - timedelta(minutes=30))
            b.market([(19_995, 100)], [(20_005, 100)])
            b.exchange.step()
            clock.advance_to(EXPIRY)
            b.exchange.step()
            await until(lambda: ib.positions() == [])
            # 100,000 − 2.50 − 0.2 × 5
            expected = {"NetLiquidation": "99996.50", "RealizedPnL": "-3.50"}
            await until(lambda: expected.items() <= values(ib).items())
            assert [e.kind for e in b.exchange.executions(ACCOUNT)] == [ExecKind.TRADE, ExecKind.SETTLEMENT]
            await b.restart()
            again = await b.client(2)
            assert values(again)["RealizedPnL"] == "-3.50"

    patient.run(main())
