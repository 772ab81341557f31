"""Questions: asked again a few times, never answered by a guess."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.bitmex.questions import PAGE
from adapters.errors import Misconfigured, Unreachable
from adapters.venue import LinkState
from risk.money import Currency, Money
from risk.orders import CashFlowKind, OrderStatus
from tests import patient
from tests.integration.bitmex_adapter_rig import (
    API_KEYS,
    INSTRUMENT,
    KEY,
    Reply,
    Request,
    drop,
    error,
    order_row,
    rig,
    stamp,
    trade_row,
)

SINCE = datetime(2026, 11, 22, 3, 0, 0, 123_456, UTC)


def test_connecting_checks_the_key_loads_the_contract_and_returns_when_snapshots_are_in() -> None:
    async def main() -> None:
        async with rig(connected=False) as r:
            await r.connect()
            assert [request.path.removeprefix("/api/v1/") for request in r.http.requests] == [
                "apiKey",
                "instrument",
                "position",
            ]
            assert r.http.requests[1].query == {"symbol": "XBTUSD", "count": "1"}
            assert r.venue.instrument("XBTUSD").terms.lot == 100
            assert r.links == [LinkState.UP]
            with pytest.raises(Misconfigured):
                r.venue.instrument("XBTM30")
            with pytest.raises(Misconfigured):
                await r.connect()

    patient.run(main())


@pytest.mark.parametrize(
    ("path", "reply", "words"),
    [
        ("apiKey", Reply(body=[API_KEYS[0] | {"permissions": ["order", "withdraw"]}]), "withdraw"),
        ("apiKey", Reply(body=[API_KEYS[0] | {"permissions": []}]), "may not order"),
        ("apiKey", Reply(body=[]), "does not list"),
        ("apiKey", error(401, "Invalid API Key."), "Invalid API Key"),
        ("instrument", Reply(body=[]), "no such contract"),
        ("instrument", Reply(body=[INSTRUMENT | {"isInverse": False}]), "not inverse"),
        (
            "position",
            Reply(
                body=[{"symbol": "ETHUSD", "crossMargin": False}, {"symbol": "XBTUSD", "crossMargin": False}]
            ),
            "XBTUSD is on isolated margin",
        ),
    ],
)
def test_what_a_person_has_to_mend_is_said_and_nothing_is_left_open(
    path: str, reply: Reply, words: str
) -> None:
    async def main() -> None:
        async with rig(connected=False) as r:
            r.http.script = lambda request: reply if request.path.endswith(path) else None
            with pytest.raises(Misconfigured, match=words):
                await r.connect()
            assert r.events == []
            r.http.script = lambda request: None
            await r.connect()

    patient.run(main())


def test_other_contracts_and_cross_margin_are_no_obstacle_nor_is_isolated_margin_in_an_emergency() -> None:
    async def main() -> None:
        rows = [{"symbol": "ETHUSD", "crossMargin": False}, {"symbol": "XBTUSD", "crossMargin": True}]
        for answer, changes in (rows, {}), ([rows[1] | {"crossMargin": False}], {"cross_only": False}):
            async with rig(connected=False, **changes) as r:
                r.http.script = lambda request, answer=answer: (  # type: ignore[misc]
                    Reply(body=answer) if request.path.endswith("position") else None
                )
                await r.connect()
                assert r.links == [LinkState.UP]

    patient.run(main())


@pytest.mark.parametrize(
    "reply", [drop(), error(503, "overloaded"), error(429, "Rate limit exceeded"), Reply(200, "<html>")]
)
def test_a_question_is_asked_again(reply: Reply) -> None:
    async def main() -> None:
        async with rig() as r:
            replies = [reply, reply, Reply(body=[])]
            r.http.script = lambda request: replies.pop(0)
            assert await r.venue.positions() == []
            assert len(r.http.requests) == 3

    patient.run(main())


@pytest.mark.parametrize(
    "reply",
    [
        drop(),
        error(503, "overloaded"),
        Reply(502, "<html>"),
        Reply(200, "<html>"),
        Reply(200, {"not": "a list"}),
        Reply(200, [{"symbol": "XBTUSD", "currentQty": "many"}]),
        Reply(200, [], pause=1.0),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_no_answer_is_not_an_empty_answer(reply: Reply) -> None:
    async def main() -> None:
        async with rig() as r:
            r.http.script = lambda request: reply
            with pytest.raises(Unreachable):
                await r.venue.positions()
            assert len(r.http.requests) <= 3

    patient.run(main())


def test_a_question_nobody_may_ask_is_asked_once() -> None:
    async def main() -> None:
        async with rig() as r:
            r.http.script = lambda request: error(403, "Access Denied")
            with pytest.raises(Misconfigured, match="Access Denied"):
                await r.venue.account()
            assert len(r.http.requests) == 1

    patient.run(main())


def test_an_order_is_asked_for_by_its_client_id() -> None:
    async def main() -> None:
        async with rig() as r:
            instrument = r.venue.instrument("XBTUSD").id
            answer: list[dict[str, Any]] = [order_row("p1", ordStatus="Filled", cumQty=1000, leavesQty=0)]
            r.http.script = lambda request: Reply(body=answer)
            update = await r.venue.order(instrument, "p1")
            assert update is not None
            assert (update.status, update.filled) == (OrderStatus.FILLED, 1000)
            assert json.loads(r.http.requests[0].query["filter"]) == {"clOrdID": "p1"}
            answer.clear()
            assert await r.venue.order(instrument, "p1") is None
            answer.append(order_row("another"))
            with pytest.raises(Unreachable, match="another order"):
                await r.venue.order(instrument, "p1")

    patient.run(main())


def test_open_orders_are_everybodys() -> None:
    async def main() -> None:
        async with rig() as r:
            mine, theirs = order_row("p1"), order_row("", orderID="x", ordType="Stop", price=None)
            done = order_row("p2", ordStatus="Canceled")
            r.http.script = lambda request: Reply(body=[mine, theirs, done])
            told = await r.venue.open_orders()
            assert [update.client_order_id for update in told] == ["p1", None]
            assert r.http.requests[0].query["filter"] == '{"open": true}'

    patient.run(main())


def paged(rows: list[dict[str, Any]]) -> Any:
    def script(request: Request) -> Reply:
        start, count = int(request.query["start"]), int(request.query["count"])
        return Reply(body=rows[start : start + count])

    return script


def test_fills_are_paged_each_once_oldest_first() -> None:
    async def main() -> None:
        async with rig() as r:
            rows = [trade_row(f"e{number}", timestamp=stamp(number)) for number in range(PAGE + 3)]
            rows.insert(7, trade_row("funding", execType="Funding"))
            rows.append(rows[3])
            r.http.script = paged(rows)
            fills = await r.venue.fills(SINCE)
            assert [fill.execution_id for fill in fills] == [f"e{number}" for number in range(PAGE + 3)]
            assert [request.query["start"] for request in r.http.requests] == ["0", str(PAGE)]
            assert r.http.requests[0].query["startTime"] == "2026-11-22T03:00:00.123Z"
            assert json.loads(r.http.requests[0].query["filter"]) == {
                "execType": [
                    "Trade",
                    "Liquidation",
                    "Bankruptcy",
                    "Deleverage",
                    "Settlement",
                    "TradeCorrect",
                    "TradeCancel",
                ]
            }

    patient.run(main())


def test_a_venue_that_repeats_a_page_for_ever_is_not_believed() -> None:
    async def main() -> None:
        async with rig() as r:
            rows = [trade_row(f"e{number}") for number in range(PAGE)]
            r.http.script = lambda request: Reply(body=rows)
            with pytest.raises(Unreachable, match="same page"):
                await r.venue.fills(SINCE)
            assert len(r.http.requests) == 2

    patient.run(main())


def test_cash_flows_are_funding_and_what_came_into_the_wallet() -> None:
    async def main() -> None:
        async with rig() as r:
            now = patient.Clock().now()
            funding = trade_row("f1", execType="Funding", execComm=1200, timestamp=stamp(-60))
            deposit = {
                "transactID": "d1",
                "currency": "XBt",
                "transactType": "Deposit",
                "transactStatus": "Completed",
                "amount": 5_000_000,
                "transactTime": stamp(-120),
                "timestamp": stamp(-120),
            }
            wallet = [
                deposit | {"transactID": "p", "transactType": "RealisedPNL", "transactStatus": "Pending"},
                deposit | {"transactID": "f", "transactType": "Funding", "amount": -1200},
                deposit,
                deposit | {"transactID": "old", "transactTime": stamp(-9999), "timestamp": stamp(-9999)},
            ]

            def script(request: Request) -> Reply:
                if request.path.endswith("walletHistory"):
                    return Reply(body=wallet)
                return Reply(body=[funding] if "Funding" in request.query["filter"] else [])

            r.http.script = script
            flows = await r.venue.cash_flows(now - timedelta(minutes=10))
            assert [(flow.flow_id, flow.kind, flow.amount) for flow in flows] == [
                ("d1", CashFlowKind.DEPOSIT, Money(Currency.XBT, 5_000_000)),
                ("f1", CashFlowKind.FUNDING, Money(Currency.XBT, -1200)),
            ]
            assert await r.venue.commissions(SINCE) == []

    patient.run(main())


def test_account_and_positions() -> None:
    async def main() -> None:
        async with rig() as r:
            margin = {
                "currency": "XBt",
                "walletBalance": 9007199254740993,  # one more than a float can count
                "marginBalance": 2,
                "availableMargin": 3,
                "initMargin": 4,
                "maintMargin": 5,
            }
            r.http.script = lambda request: Reply(body=margin)
            assert (await r.venue.account()).wallet.units == 9007199254740993
            assert r.http.requests[0].query == {"currency": "XBt"}
            rows = [
                {
                    "symbol": "XBTUSD",
                    "currency": "XBt",
                    "currentQty": -500,
                    "posCost": 7435000,
                    "avgEntryPrice": 6725,
                },
                {"symbol": "XBTH27", "currency": "XBt", "currentQty": 0, "posCost": 0, "avgEntryPrice": None},
            ]
            r.http.script = lambda request: Reply(body=rows)
            (position,) = await r.venue.positions()
            assert (position.contracts, position.cost_units) == (-500, -7435000)

    patient.run(main())


def test_the_secret_never_leaves() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.venue.submit(r.approved())
            sent = "".join(f"{request.headers}{request.body}{request.query}" for request in r.http.requests)
            assert "the-secret" not in sent
            assert KEY in sent

    patient.run(main())
