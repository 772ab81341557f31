"""Faults of the gateway, on demand and by rate: each happens as described, is counted, and hides nothing for ever."""

import asyncio
from datetime import timedelta

import pytest
from ib_async import IB, Contract, StartupFetchNONE

from adapters.simulator.faults import FaultKind, FaultPlan, FaultRates
from adapters.simulator.scenario import ScenarioError
from adapters.simulator.scenario_file import parse
from adapters.simulator.tws.faults import TWS_FAULTS
from tests import patient
from tests.integration.tws_server_bench import ACCOUNT, bench, codes, mbt, order, tap, until

ORDER_STATUS, EXECUTION, COMMISSION = "3", "11", "59"
EXEC_ID, SHARES, PRICE = 14, 19, 20
"""Where these stand in an execution's message."""


def plan(**lasts: int) -> FaultPlan:
    """A plan of which nothing comes but what is forced; ``lasts`` in milliseconds."""
    spans = {FaultKind(kind): timedelta(milliseconds=span) for kind, span in lasts.items()}
    return FaultPlan(FaultRates(lasts=spans), 1, patient.Clock())


def executions(messages: list[list[str]]) -> list[tuple[str, str, str]]:
    return [(m[EXEC_ID], m[SHARES], m[PRICE]) for m in messages if m[0] == EXECUTION]


def test_a_corrected_execution_replaces_the_first() -> None:
    """5 at 20,005, restated as 5 at 20,000 under .02; each with its commission."""

    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            contract = await mbt(ib)
            heard = tap(ib)
            trade = ib.placeOrder(contract, order("BUY", 5, 20_010))
            await until(lambda: len([m for m in heard if m[0] == COMMISSION]) == 1)
            b.exchange.correct(b.server.account, trade.fills[0].execution.execId, price=2_000_000)
            await until(lambda: len([m for m in heard if m[0] == COMMISSION]) == 2)
            (first, *told), (second, *right) = executions(heard)
            assert (told, right) == (["5", "20005"], ["5", "20000"])
            assert first.endswith(".01")
            assert second == first.removesuffix(".01") + ".02"
            assert [m[2] for m in heard if m[0] == COMMISSION] == [first, second]
            # Positions follow, and a question is answered with what stands.
            assert ib.positions()[0].avgCost == 20_000 / 10 + 1.25
            other = await b.client(2)
            (fill,) = other.fills()
            assert (fill.execution.execId, fill.execution.price) == (second, 20_000)
            # The client library adds both up.
            assert trade.filled() == 10
            await b.restart()
            again = await b.client(3)
            assert [f.execution.execId for f in again.fills()] == [second]

    patient.run(main())


def test_a_busted_execution_is_told_with_no_shares() -> None:
    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            contract = await mbt(ib)
            heard = tap(ib)
            b.server.faults.next(FaultKind.BUST)
            trade = ib.placeOrder(contract, order("BUY", 5, 20_010))
            await until(lambda: len([m for m in heard if m[0] == COMMISSION]) == 2)
            (first, *told), (second, *taken_back) = executions(heard)
            assert (told[0], taken_back[0]) == ("5", "0")
            assert second == first.removesuffix(".01") + ".02"
            assert [m[3] for m in heard if m[0] == COMMISSION] == ["6.25", "0"]
            await until(lambda: not ib.positions())
            # Of an order that has ended nothing is said.
            assert trade.orderStatus.status == "Filled"
            assert b.server.faults.counts == {FaultKind.BUST: 1}

    patient.run(main())


def test_a_gateway_that_ends_leaves_nothing_to_be_restated() -> None:
    """What was still to be corrected is: the restarted gateway tells the second word alone."""

    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.server.faults.next(FaultKind.CORRECTED)
            trade = ib.placeOrder(contract, order("BUY", 1, 20_010))
            await until(trade.isDone)
            await b.restart()
            assert b.server.faults.counts == {FaultKind.CORRECTED: 1}
            again = await b.client(2)
            (right,) = again.fills()
            assert right.execution.execId[-3:] == ".02"
            assert right.execution.price != 20_005

    patient.run(main())


def test_a_message_told_twice_is_the_same_message() -> None:
    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            contract = await mbt(ib)
            heard = tap(ib)
            b.server.faults.next(FaultKind.DUPLICATE, 20)
            ib.placeOrder(contract, order("BUY", 1, 20_010))
            await until(lambda: len([m for m in heard if m[0] == COMMISSION]) == 2)
            about = [m for m in heard if m[0] in ("3", "5", EXECUTION, COMMISSION)]
            assert about[::2] == about[1::2]
            assert len(executions(heard)) == 2
            assert b.server.faults.counts[FaultKind.DUPLICATE] == len(about) // 2

    patient.run(main())


def test_a_late_message_holds_up_those_behind_it() -> None:
    async def main() -> None:
        async with bench(faults=plan(late=120), commission_delay_ms=0) as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.server.faults.next(FaultKind.LATE)
            loop = asyncio.get_running_loop()
            start = loop.time()
            trade = ib.placeOrder(contract, order("BUY", 1, 20_010))
            await asyncio.sleep(0.06)
            assert trade.orderStatus.status == "PendingSubmit"
            assert ib.positions()[0].position == 1
            assert len(b.exchange.executions(ACCOUNT)) == 1
            await until(lambda: trade.orderStatus.status == "Filled")
            assert loop.time() - start >= 0.12
            assert [entry.status for entry in trade.log][:2] == ["PendingSubmit", "PreSubmitted"]

    patient.run(main())


def test_messages_of_two_kinds_change_places() -> None:
    """The execution, told before the order's status, comes behind it; alone, it comes all the same."""

    async def main() -> None:
        async with bench(faults=plan(), commission_delay_ms=0) as b:
            ib = await b.client()
            contract = await mbt(ib)

            def kinds(messages: list[list[str]]) -> list[str]:
                return [m[0] for m in messages if m[0] in ("3", "5", EXECUTION, COMMISSION)]

            usual = tap(ib)
            ib.placeOrder(contract, order("BUY", 1, 20_010))
            await until(lambda: COMMISSION in kinds(usual) and kinds(usual)[-1] == "3")
            expected = kinds(usual)
            swapped = tap(ib)
            b.server.faults.next(FaultKind.REORDERED)
            trade = ib.placeOrder(contract, order("BUY", 1, 20_010))
            await until(lambda: len(kinds(swapped)) == len(expected))
            assert kinds(swapped) != expected
            assert sorted(kinds(swapped)) == sorted(expected)
            assert kinds(swapped)[:2] == expected[1::-1]
            await until(trade.isDone)
            rests = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC"))
            await until(lambda: rests.orderStatus.status == "Submitted")
            b.server.faults.next(FaultKind.REORDERED)
            ib.cancelOrder(rests.order)
            await until(rests.isDone)
            assert b.server.faults.counts == {FaultKind.REORDERED: 2}

    patient.run(main())


def test_a_gap_loses_what_is_told_meanwhile_and_a_question_finds_it() -> None:
    async def main() -> None:
        async with bench(faults=plan(gap=100), commission_delay_ms=0) as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.server.faults.next(FaultKind.GAP)
            trade = ib.placeOrder(contract, order("BUY", 1, 20_010))
            await asyncio.sleep(0.15)
            assert trade.orderStatus.status == "PendingSubmit"
            assert len(await ib.reqExecutionsAsync()) == 1
            after = ib.placeOrder(contract, order("BUY", 1, 20_010))
            await until(after.isDone)

    patient.run(main())


def test_a_link_drops_in_the_middle_of_an_order() -> None:
    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.server.faults.next(FaultKind.DROPPED_LINK)
            ib.placeOrder(contract, order("BUY", 1, 20_010, orderRef="cut"))
            await until(lambda: not ib.isConnected())
            again = await b.client(2)
            assert [f.execution.orderRef for f in again.fills()] == ["cut"]

    patient.run(main())


def test_orders_refused_lost_and_unanswered() -> None:
    """201 and no order; nothing and no order; nothing and an order. A lost cancel cancels nothing."""

    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.server.faults.next(FaultKind.REFUSED)
            refused = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC"))
            await until(lambda: refused.orderStatus.status == "Inactive")
            assert codes(refused) == [201]
            b.server.faults.next(FaultKind.LOST)
            lost = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC"))
            await ib.reqCurrentTimeAsync()
            assert b.exchange.orders(ACCOUNT) == []
            b.server.faults.next(FaultKind.UNANSWERED)
            silent = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC", orderRef="silent"))
            await ib.reqCurrentTimeAsync()
            assert lost.orderStatus.status == silent.orderStatus.status == "PendingSubmit"
            (found,) = await ib.reqAllOpenOrdersAsync()
            assert found.order.orderRef == "silent"
            b.server.faults.next(FaultKind.LOST)
            ib.cancelOrder(found.order)
            await ib.reqCurrentTimeAsync()
            assert len(b.exchange.orders(ACCOUNT, live_only=True)) == 1
            counts = b.server.faults.counts
            assert counts == {FaultKind.REFUSED: 1, FaultKind.LOST: 2, FaultKind.UNANSWERED: 1}

    patient.run(main())


def test_a_gateway_hangs_at_a_message() -> None:
    async def main() -> None:
        async with bench(faults=plan(hung=150)) as b:
            ib = await b.client()
            b.server.faults.next(FaultKind.HUNG)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.05)
            await asyncio.sleep(0.15)
            await asyncio.wait_for(ib.reqCurrentTimeAsync(), 1)
            assert b.server.faults.counts == {FaultKind.HUNG: 1}

    patient.run(main())


def test_prices_go_stale_while_orders_go_on() -> None:
    async def main() -> None:
        async with bench(faults=plan(stale=150)) as b:
            ib = await b.client()
            contract = await mbt(ib)
            ticker = ib.reqMktData(contract)
            await until(lambda: ticker.bid == 19_995)
            b.server.faults.next(FaultKind.STALE)
            b.market([(20_100, 5)], [(20_105, 5)])
            trade = ib.placeOrder(contract, order("BUY", 1, 20_105))
            await until(trade.isDone)
            assert ticker.bid == 19_995
            await until(lambda: ticker.bid == 20_100)

    patient.run(main())


def test_a_position_may_be_told_before_its_execution() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            for first, second in ((EXECUTION, "61"), ("61", EXECUTION)):
                heard = tap(ib)
                trade = ib.placeOrder(contract, order("BUY", 1, 20_010))
                await until(trade.isDone)
                await ib.reqCurrentTimeAsync()
                kinds = [m[0] for m in heard]
                assert kinds.index(first) < kinds.index(second)
                b.server.faults.position_first = True

    patient.run(main())


def test_a_gateway_restarts_after_an_order_and_gives_ids_out_again() -> None:
    """Ids of finished orders come again; a live order keeps its own, and the next id lies above it."""

    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            contract = await mbt(ib)
            rests = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC", orderRef="rests"))
            for _ in range(3):
                trade = ib.placeOrder(contract, order("BUY", 1, 20_005))
                await until(trade.isDone)
            b.server.faults.next(FaultKind.GATEWAY_RESTART)
            last = ib.placeOrder(contract, order("BUY", 1, 20_005, orderRef="last"))
            await until(lambda: not ib.isConnected())
            with pytest.raises(ConnectionRefusedError):
                await IB().connectAsync("127.0.0.1", b.port, 1)
            await until(lambda: b.server.is_running)
            again = await b.client(fetchFields=StartupFetchNONE)
            assert again.client.getReqId() == rests.order.orderId + 1 < last.order.orderId
            (live,) = await again.reqOpenOrdersAsync()
            assert (live.order.orderRef, live.order.permId) == ("rests", rests.order.permId)
            assert "last" in {f.execution.orderRef for f in await again.reqExecutionsAsync()}
            assert b.server.faults.counts == {FaultKind.GATEWAY_RESTART: 1}

    patient.run(main())


def test_stopping_in_the_middle_of_a_restart_stops() -> None:
    async def main() -> None:
        async with bench(faults=plan()) as b:
            ib = await b.client()
            b.server.faults.next(FaultKind.GATEWAY_RESTART)
            ib.placeOrder(await mbt(ib), order("BUY", 1, 20_005))
            await until(lambda: not ib.isConnected())
            await b.server.stop()
            await asyncio.sleep(0.6)
            assert not b.server.is_running

    patient.run(main())


def test_the_gateway_takes_no_plan_with_faults_it_has_not() -> None:
    rates = FaultRates({FaultKind.OVERLOADED: 1})

    async def main() -> None:
        with pytest.raises(ValueError, match="overloaded"):
            async with bench(faults=FaultPlan(rates, 1, patient.Clock())):
                pass

    patient.run(main())


def test_all_faults_by_rate_and_the_books_still_agree() -> None:
    """Orders until every kind has happened; then what the broker answers is what the exchange knows."""

    async def main() -> None:
        rates = FaultRates(
            dict.fromkeys(TWS_FAULTS, 40000) | {FaultKind.DUPLICATE: 200_000, FaultKind.STALE: 200_000},
            {
                kind: timedelta(milliseconds=30)
                for kind in (FaultKind.HUNG, FaultKind.LATE, FaultKind.GAP, FaultKind.STALE)
            },
            at_most=3,
        )
        async with bench(faults=FaultPlan(rates, 7, patient.Clock()), messages_per_second=1_000) as b:
            ib = IB()
            b.clients.append(ib)
            contract: Contract | None = None
            for turn in range(400):
                if all(b.server.faults.counts.values()):
                    break
                try:
                    if not ib.isConnected():
                        await ib.connectAsync(
                            "127.0.0.1", b.port, 1, timeout=0.3, fetchFields=StartupFetchNONE
                        )
                    if contract is None:
                        contract = await asyncio.wait_for(mbt(ib), 0.3)
                    side, price = ("BUY", 20_005) if turn % 2 else ("SELL", 19_995)
                    ib.placeOrder(contract, order(side, 1, price))
                except (OSError, TimeoutError):
                    await asyncio.sleep(0.05)
                b.market([(19_995, 100)], [(20_005, 100 + turn)])
                await asyncio.sleep(0.01)
            counts = b.server.faults.counts
            assert set(counts) == TWS_FAULTS
            assert min(counts.values()) > 0, counts
            ib.disconnect()
            await until(lambda: b.server.is_running)
            await asyncio.sleep(1.1)  # the last corrections
            check = IB()
            b.clients.append(check)
            done = b.exchange.standing(ACCOUNT)
            for _ in range(40):
                try:
                    await check.connectAsync("127.0.0.1", b.port, 8, timeout=0.5)
                    break
                except (OSError, TimeoutError):
                    await asyncio.sleep(0.05)
            assert [f.execution.execId for f in check.fills()] == [e.exec_id for e in done]
            assert [f.execution.shares for f in check.fills()] == [e.quantity for e in done]
            assert [f.execution.price for f in check.fills()] == [e.price / 100 for e in done]
            held = b.exchange.position(ACCOUNT, "MBT-test").contracts
            assert sum(p.position for p in check.positions()) == held

    patient.run(main())


def test_a_scenario_states_the_gateways_faults() -> None:
    text = "[linear.faults]\ncorrected = 0.05\nquiet_seconds = 5\nlate = 0.1\nlate_milliseconds = 40"
    faults = parse(text).linear.faults
    assert faults.rates == {FaultKind.CORRECTED: 50_000, FaultKind.LATE: 100_000}
    assert (faults.quiet, faults.lasting(FaultKind.LATE)) == (
        timedelta(seconds=5),
        timedelta(milliseconds=40),
    )
    with pytest.raises(ScenarioError, match="overloaded"):
        parse("[linear.faults]\noverloaded = 0.1")
