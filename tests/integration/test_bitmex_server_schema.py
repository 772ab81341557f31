"""Every row the simulated BitMEX sends, held against the venue's own API description."""

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.simulator.bitmex.ratelimit import Limits
from tests import patient
from tests.integration.bitmex_description import (
    ACTS,
    DESCRIPTION,
    SERVED,
    STAND_IN,
    TABLES,
    UNLISTED,
    check,
    check_values,
    described,
    description,
    rows_of,
)
from tests.integration.bitmex_server_client import Client, HandClock, Rig, day, levels, rig

# Paths whose answer the description calls an object and says no more of.
UNDESCRIBED = {"/schema", "/schema/websocketHelp"}
# Nothing is announced, and no order of the liquidation engine ever rests.
EMPTY = {"/announcement", "/announcement/urgent", "/liquidation"}
SINGLE = {
    "/instrument/activeIntervals",
    "/user",
    "/user/commission",
    "/user/margin",
    "/user/quoteFillRatio",
    "/user/quoteValueRatio",
    "/user/wallet",
}
QUERIES = {
    "/orderBook/L2": "?symbol=XBTUSD",
    "/user/executionHistory": "?symbol=XBTUSD&timestamp=2026-11-23T11:59:00.000Z",
}
KINDS = {"long": "integer", "float": "number", "boolean": "boolean", "list": "array", "object": "object"}


async def _eventful(client: Client, r: Any, clock: HandClock) -> list[Any]:
    """Make every kind of row there is; return the answers to what changed orders and positions."""
    r.market(asks=levels(("16000", 1_000), ("16010", 5_000)))
    answers = [
        await client.order(orderQty=1_500, price=16_010, clOrdID="filled"),
        await client.order(orderQty=300, price=15_000, clOrdID="resting"),
        await client.order(price=16_010, execInst="ParticipateDoNotInitiate"),
        await client.order(orderQty=9_000, price=16_010, timeInForce="ImmediateOrCancel"),
        await client.call("PUT", "/order", {"origClOrdID": "resting", "price": 15_100}),
        await client.call("DELETE", "/order", {"clOrdID": ["filled", "nobody"]}),
        await client.order(side="Sell", orderQty=400, price=15_900),
    ]
    clock.set(day(12))
    r.exchange.step()
    r.market(index=16_100)
    return answers


async def walk(r: Rig, fields: Any, seen: Counter[str]) -> None:
    """Ask every served GET, and hold every row of every answer against the description."""
    for path, name in SERVED.items():
        body = await r.client.get(path + QUERIES.get(path, ""))
        assert isinstance(body, list) or path in SINGLE, path
        rows = rows_of(body)
        seen[path] += len(rows)
        for row in rows:
            if fields[name]:
                check(name, row, fields)


def test_every_served_path_is_walked() -> None:
    async def main() -> None:
        async with rig() as r:
            gets = {path for verb, path in r.server.served if verb == "GET"}
            assert gets == SERVED.keys() | UNDESCRIBED

    patient.run(main())


def test_every_row_is_as_the_venue_describes_it() -> None:
    async def main() -> None:
        fields = description()["fields"]
        clock = HandClock(day(11, 59))
        seen: Counter[str] = Counter()
        async with rig(clock, limits=Limits(per_minute=1_000, per_second=100)) as r:
            socket = await r.client.websocket(*TABLES)
            await walk(r, fields, seen)
            for answer in await _eventful(r.client, r, clock):
                assert answer.status == 200, answer.body
                for row in rows_of(answer.body):
                    check("Order", row, fields)
            await walk(r, fields, seen)
            clock.set(datetime(2027, 3, 26, 11, 45, tzinfo=UTC))
            r.market(symbol="XBTH27", asks=levels(("16000.5", 1_000)))
            await r.client.placed(symbol="XBTH27", price=16_010, orderQty=200)
            clock.move(minutes=15)
            r.market(index=16_200)
            r.exchange.step()
            r.market(index=16_200)
            await walk(r, fields, seen)
            assert {path for path in SERVED if not seen[path]} == EMPTY
            told: dict[tuple[str, str], int] = {}
            for message in [*socket.partials.values(), *await socket.drain()]:
                name, action = TABLES[message["table"]], message["action"]
                for row in message["data"]:
                    told[name, action] = told.get((name, action), 0) + 1
                    if action in ("partial", "insert"):
                        check(name, row, fields)
                    else:
                        assert set(row) <= set(fields[name]) | UNLISTED.get(name, {}).keys()
                        check_values(name, row, fields)
            for name in ("Order", "Position", "Margin", "Instrument", "OrderBookL2"):
                assert told.get((name, "update"), 0) > 0, name
            for name in ("Execution", "Trade", "Funding", "TradeBin", "Quote", "Settlement", "Transaction"):
                assert told.get((name, "insert"), 0) > 0, name
            for route in ("leverage", "isolate", "riskLimit"):
                body = {"symbol": "XBTUSD", "leverage": 0, "enabled": False, "riskLimit": 20_000_000_000}
                check("Position", (await r.client.call("POST", f"/position/{route}", body)).body, fields)

    patient.run(main())


def test_partials_state_the_described_types() -> None:
    async def main() -> None:
        fields = description()["fields"]
        async with rig() as r:
            socket = await r.client.websocket(*TABLES)
            for table, partial in socket.partials.items():
                name = TABLES[table]
                for field, kind in partial["types"].items():
                    if field in UNLISTED.get(name, {}):
                        continue
                    expected, form = fields[name][field]
                    assert KINDS.get(kind, "string") == expected, f"{table}.{field}"
                    assert (kind == "timestamp") == (form == "date-time"), f"{table}.{field}"
                    assert (kind == "guid") == (form == "guid"), f"{table}.{field}"
                assert set(partial["keys"]) <= set(partial["types"])

    patient.run(main())


def test_each_path_answers_with_its_described_type() -> None:
    assert description()["paths"] == SERVED
    assert description()["acts"] == ACTS


def test_the_stand_in_says_what_the_description_says() -> None:
    stand_in = json.loads(STAND_IN.read_text())
    assert set(stand_in["fields"]) == set(SERVED.values())
    if DESCRIPTION.exists():
        assert stand_in == described()


def test_the_checker_finds_what_is_wrong() -> None:
    fields = {"Order": {"orderID": ["string", "guid"], "orderQty": ["integer", "int64"]}}
    right = {"orderID": "00000000-0000-0000-0000-000000000000", "orderQty": 1}
    check("Order", right, fields)
    check("Order", {**right, "strategy": "OneWay", "orderQty": None}, fields)
    for wrong in (
        {"orderID": right["orderID"]},
        {**right, "colour": "red"},
        {**right, "orderQty": Decimal("1.5")},
        {**right, "orderQty": "1"},
        {**right, "orderID": "x"},
    ):
        try:
            check("Order", wrong, fields)
        except AssertionError:
            continue
        raise AssertionError(f"passed: {wrong}")
