"""The websocket: what it tells, how it breaks, how it comes back."""

import asyncio
from typing import Any

import pytest

from adapters.errors import Misconfigured, Unreachable
from adapters.venue import Link, LinkState
from risk.orders import CashFlow, CashFlowKind, Fill, OrderStatus, OrderUpdate
from risk.portfolio import Quote
from tests import patient
from tests.integration.bitmex_adapter_rig import (
    BOOK,
    Reply,
    Request,
    Rig,
    drop,
    error,
    order_row,
    rig,
    stamp,
    trade_row,
    until,
)


def updates(r: Rig) -> list[OrderUpdate]:
    return [event for event in r.events if isinstance(event, OrderUpdate)]


def test_quotes_fills_and_orders_reach_the_sink() -> None:
    async def main() -> None:
        async with rig() as r:
            quote = next(event for event in r.events if isinstance(event, Quote))
            assert quote.bid is not None
            assert (str(quote.bid.price), quote.bid.quantity, str(quote.mark)) == (
                "60000.0",
                5000,
                "60000.05",
            )
            await r.ws.table("order", "insert", order_row("p1"))
            await r.ws.table("execution", "insert", trade_row("e1"))
            await r.ws.table(
                "order", "update", {"orderID": "venue-p1", "ordStatus": "Filled", "cumQty": 1000}
            )
            await until(lambda: len(updates(r)) == 2)
            assert r.fills == ["e1"]
            assert [update.status for update in updates(r)] == [OrderStatus.NEW, OrderStatus.FILLED]

    patient.run(main())


def test_what_precedes_a_snapshot_is_dropped() -> None:
    async def main() -> None:
        async with rig(connected=False) as r:
            early = {"table": "orderBook10", "action": "update", "data": [BOOK | {"bids": [[1, 1]]}]}
            r.ws.before_snapshots = [early]
            await r.connect()
            quotes = [event for event in r.events if isinstance(event, Quote)]
            assert [str(quote.bid.price) for quote in quotes if quote.bid] == ["60000.0"]

    patient.run(main())


def test_a_stream_without_all_its_snapshots_is_no_connection() -> None:
    async def main() -> None:
        async with rig(connected=False, connect_timeout=0.3) as r:
            r.ws.withheld = {"order"}
            with pytest.raises(Unreachable, match="no snapshot of order"):
                await r.connect()
            r.ws.withheld = set()
            await r.connect()

    patient.run(main())


def test_a_login_that_is_refused_needs_a_person() -> None:
    async def main() -> None:
        async with rig(connected=False) as r:
            r.ws.login_error = {"status": 401, "error": "Signature not valid.", "meta": {}}
            with pytest.raises(Misconfigured, match="Signature not valid"):
                await r.connect()

    patient.run(main())


def test_a_stream_nobody_serves_is_unreachable() -> None:
    async def main() -> None:
        async with rig(connected=False) as r:
            await r.ws.stop()
            with pytest.raises(Unreachable):
                await r.connect()

    patient.run(main())


def test_a_dropped_link_comes_back_and_tells_every_fill_that_was_missed_once() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.ws.table("order", "insert", order_row("p1"))
            await r.ws.table(
                "execution", "insert", trade_row("e1", ordStatus="PartiallyFilled", leavesQty=500)
            )
            await until(lambda: r.fills == ["e1"])
            r.http.executions = [
                trade_row("e1"),
                trade_row("e2"),
                trade_row("f1", execType="Funding", execComm=7),
                trade_row("e3"),
            ]
            r.ws.snapshots["execution"] = [trade_row("e2")]
            r.ws.abort()
            await until(lambda: r.links == [LinkState.UP, LinkState.DOWN, LinkState.UP])
            assert r.fills == ["e1", "e2", "e3"]
            flows = [event for event in r.events if isinstance(event, CashFlow)]
            assert [(flow.kind, flow.amount.units) for flow in flows] == [(CashFlowKind.FUNDING, -7)]
            # The order is in no snapshot any more: its last execution says what became of it.
            assert updates(r)[-1].status is OrderStatus.FILLED
            # All of it before the link is told as up.
            assert isinstance(r.events[-1], Link)
            await r.ws.table("execution", "insert", trade_row("e3"))
            await r.ws.table("execution", "insert", trade_row("e4"))
            await until(lambda: r.fills == ["e1", "e2", "e3", "e4"])

    patient.run(main())


def test_a_fill_that_comes_while_the_missed_ones_are_asked_for_does_not_wait() -> None:
    async def main() -> None:
        async with rig() as r:
            asked = asyncio.Event()

            def script(request: Request) -> Reply | None:
                if request.path.endswith("/execution"):
                    asked.set()
                    return Reply(body=[trade_row("old")], pause=0.3)
                return None

            r.http.script = script
            r.ws.abort()
            await asyncio.wait_for(asked.wait(), 3)
            await r.ws.table("execution", "insert", trade_row("new"))
            await until(lambda: r.fills == ["new"], within=0.2)
            await until(lambda: r.links[-1] is LinkState.UP)
            assert r.fills == ["new", "old"]

    patient.run(main())


def test_a_link_that_breaks_again_while_catching_up_is_not_told_as_up() -> None:
    async def main() -> None:
        async with rig() as r:
            pauses = [0.4, 0.0]

            def script(request: Request) -> Reply | None:
                if request.path.endswith("/execution"):
                    return Reply(body=[], pause=pauses.pop(0))
                return None

            r.http.script = script
            r.ws.abort()
            await until(lambda: len(pauses) == 1)
            r.ws.abort()
            await until(lambda: r.ws.connections == 3, within=0.3)  # at once, not when the answer is there
            await until(lambda: r.links == [LinkState.UP, LinkState.DOWN, LinkState.UP])
            await asyncio.sleep(0.5)
            assert r.links == [LinkState.UP, LinkState.DOWN, LinkState.UP]

    patient.run(main())


def test_the_link_is_not_up_before_what_was_missed_is_known() -> None:
    async def main() -> None:
        async with rig(attempts=1) as r:
            refusals = [
                drop(),
                error(503, "overloaded"),
                Reply(200, "<html>"),
                Reply(200, [{"execType": "Trade"}]),
            ]

            def script(request: Request) -> Reply | None:
                if not request.path.endswith("/execution"):
                    return None
                return refusals.pop(0) if refusals else Reply(body=[trade_row("e1")])

            r.http.script = script
            r.ws.abort()
            await until(lambda: r.links == [LinkState.UP, LinkState.DOWN, LinkState.UP])
            assert refusals == []
            assert r.fills == ["e1"]
            assert r.ws.connections == 6  # each failure began anew

    patient.run(main())


def test_an_outage_is_told_once_and_tried_for_as_long_as_it_lasts() -> None:
    async def main() -> None:
        async with rig() as r:
            r.ws.login_error = {"status": 401, "error": "This key is disabled."}
            r.ws.abort()
            await until(lambda: r.ws.connections >= 4)
            assert r.links == [LinkState.UP, LinkState.DOWN]
            r.ws.login_error = None
            await until(lambda: r.links == [LinkState.UP, LinkState.DOWN, LinkState.UP])

    patient.run(main())


def test_twenty_drops_in_a_row_are_each_mended_caught_up_on_and_told_once() -> None:
    async def main() -> None:
        async with rig(reconnect_first=0.005, reconnect_at_most=0.02, requests_per_minute=1000) as r:
            expected = [LinkState.UP]
            for number in range(1, 21):
                r.http.executions.append(trade_row(f"e{number}"))
                expected.extend((LinkState.DOWN, LinkState.UP))
                r.ws.abort()
                await until(lambda: r.links == expected)
            assert r.fills == [f"e{number}" for number in range(1, 21)]
            assert len(r.http.of("GET", "/api/v1/execution")) == 20
            assert r.ws.connections == 21

    patient.run(main())


def test_reconnecting_backs_off_to_a_bound() -> None:
    async def main() -> None:
        async with rig(reconnect_first=0.02, reconnect_at_most=0.1) as r:
            r.ws.login_error = {"status": 429, "error": "Too many connections."}
            began = r.ws.connections
            r.ws.abort()
            await asyncio.sleep(0.75)
            # After 20, 40, 80, 100, 100 … ms: eight tries or so, where 20 ms each would be more than thirty.
            assert 4 <= r.ws.connections - began <= 9

    patient.run(main())


@pytest.mark.parametrize(
    "nonsense",
    [
        "{ not json",
        "[]",
        '{"table": "order"}',
        '{"table": "order", "action": "update", "data": [{"orderID": "never-seen", "ordStatus": "Canceled"}]}',
        '{"table": "orderBook10", "action": "update", "data": [{"symbol": "XBTUSD", "bids": [["x", 1]], "asks": []}]}',
        '{"table": "execution", "action": "insert", "data": [{"execID": "e", "execType": "Trade"}]}',
        '{"status": 500, "error": "Something broke here."}',
    ],
)
def test_what_cannot_be_trusted_breaks_the_link_and_nothing_else(nonsense: str) -> None:
    async def main() -> None:
        async with rig() as r:
            await r.ws.send(nonsense)
            await until(lambda: r.links == [LinkState.UP, LinkState.DOWN, LinkState.UP])
            assert next(event for event in r.events if isinstance(event, Link) and event.detail)
            await r.ws.table("execution", "insert", trade_row("after"))
            await until(lambda: r.fills == ["after"])

    patient.run(main())


def test_silence_is_met_with_a_ping_and_a_dead_link_is_left() -> None:
    async def main() -> None:
        async with rig(ping_after=0.1, pong_within=0.1) as r:
            await until(lambda: r.ws.pings >= 3)
            assert r.links == [LinkState.UP]
            r.ws.answers_pings = False
            began = patient.Clock().monotonic()
            await until(lambda: LinkState.DOWN in r.links)
            assert patient.Clock().monotonic() - began < 0.5
            down = next(event for event in r.events if isinstance(event, Link) and event.detail)
            assert "pong" in down.detail
            r.ws.answers_pings = True
            await until(lambda: r.links[-1] is LinkState.UP)

    patient.run(main())


def test_a_talking_link_is_not_pinged() -> None:
    async def main() -> None:
        async with rig(ping_after=0.2) as r:
            for _ in range(20):
                await r.ws.table("orderBook10", "update", BOOK)
                await asyncio.sleep(0.02)
            assert r.ws.pings == 0

    patient.run(main())


def test_a_sink_that_fails_gets_the_fill_again() -> None:
    async def main() -> None:
        async with rig(connected=False) as r:
            faults = [RuntimeError("the inbox is broken")]

            def sink(event: Any) -> None:
                if isinstance(event, Fill) and faults:
                    raise faults.pop()
                r.take(event)

            await r.venue.connect(["XBTUSD"], sink)
            r.http.executions = [trade_row("e1")]
            await r.ws.table("execution", "insert", trade_row("e1"))
            await until(lambda: r.fills == ["e1"])
            await until(lambda: r.links == [LinkState.UP, LinkState.DOWN, LinkState.UP])

    patient.run(main())


def test_a_deposit_is_told_when_the_wallet_changes_and_asked_for_until_answered() -> None:
    async def main() -> None:
        async with rig(reconnect_at_most=0.05, attempts=1) as r:
            deposit = {
                "transactID": "d1",
                "currency": "XBt",
                "transactType": "Deposit",
                "transactStatus": "Completed",
                "amount": 500,
                "transactTime": stamp(),
                "timestamp": stamp(),
            }
            replies = [drop(), Reply(body=[deposit]), Reply(body=[deposit])]
            r.http.script = lambda request: replies.pop(0) if "walletHistory" in request.path else None
            wallet = {"account": 1, "currency": "XBt", "deposited": 500}
            await r.ws.table("wallet", "update", wallet)
            await until(lambda: any(isinstance(event, CashFlow) for event in r.events))
            await r.ws.table("wallet", "update", wallet | {"pendingCredit": 1})
            await until(lambda: not replies)
            await asyncio.sleep(0.05)
            flows = [event for event in r.events if isinstance(event, CashFlow)]
            assert [(flow.flow_id, flow.kind, flow.amount.units) for flow in flows] == [
                ("d1", CashFlowKind.DEPOSIT, 500)
            ]

    patient.run(main())


def test_closing_leaves_no_task_behind() -> None:
    async def main() -> None:
        async with rig() as r:
            r.ws.abort()
            await r.venue.close()
            mine = asyncio.current_task()
            names = [str(task.get_coro()) for task in asyncio.all_tasks() if task is not mine]
            assert not [name for name in names if "Stream" in name or "WalletWatch" in name]

    patient.run(main())


def test_a_fill_is_in_the_sink_within_milliseconds_of_being_written() -> None:
    async def main() -> None:
        async with rig() as r:
            delays = []
            for number in range(40):
                began = patient.Clock().monotonic()
                await r.ws.table("execution", "insert", trade_row(f"e{number}"))
                await until(lambda number=number: len(r.fills) == number + 1)  # type: ignore[misc]
                delays.append(r.arrived[-1][0] - began)
            median = sorted(delays)[20]
            print(
                f"fill written to fill in the sink: median {median * 1e3:.2f} ms, best {min(delays) * 1e3:.2f}"
            )
            assert median < 0.025  # on a busy machine; it is well below a millisecond

    patient.run(main())
