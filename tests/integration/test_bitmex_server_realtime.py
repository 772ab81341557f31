"""The simulated BitMEX: the websocket."""

from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from adapters.simulator.bitmex.ratelimit import Limits
from tests import patient
from tests.integration.bitmex_server_client import KEY, SECRET, Socket, levels, rig, sign


def test_welcome_ping_and_help() -> None:
    async def main() -> None:
        async with rig() as r:
            socket = Socket(await r.client.http.ws_connect(r.client.base + "/realtime"))
            welcome = await socket.next()
            assert welcome["info"] == "Welcome to the BitMEX Realtime API."
            assert welcome["limit"] == {"remaining": 719}  # connections an hour
            assert await socket.ask("ping") == "pong"
            assert "wsAPI" in (await socket.ask("help"))["info"]

    patient.run(main())


def test_authentication() -> None:
    async def main() -> None:
        async with rig() as r:
            socket = await r.client.websocket(authenticate=False)
            expires = int(r.client.expires())
            right = sign(SECRET, "GET", "/realtime", str(expires))
            past = "1500000000"
            for args, status, error in (
                (["x" * 24, expires, right], 401, "Invalid API Key."),
                (
                    [KEY, expires, sign(SECRET, "GET", "/api/v1/realtime", str(expires))],
                    401,
                    "Signature not valid.",
                ),
                ([KEY, expires + 1, right], 401, "Signature not valid."),
                ([KEY, past, sign(SECRET, "GET", "/realtime", past)], 400, "This request has expired"),
                ([KEY], 400, "authKeyExpires takes"),
            ):
                request = {"op": "authKeyExpires", "args": args}
                answer = await socket.ask(request)
                assert answer["status"] == status
                assert answer["error"].startswith(error)
                assert answer["request"] == request
            request = {"op": "authKeyExpires", "args": [KEY, expires, right]}
            assert await socket.ask(request) == {"success": True, "request": request}
            assert (await socket.ask(request))["status"] == 400  # twice is an error

    patient.run(main())


@pytest.mark.parametrize("table", ["order", "execution", "position", "margin", "wallet"])
def test_private_tables_need_authentication(table: str) -> None:
    async def main() -> None:
        async with rig() as r:
            socket = await r.client.websocket(authenticate=False)
            request = {"op": "subscribe", "args": [table]}
            answer = await socket.ask(request)
            assert (answer["status"], answer["request"]) == (401, request)
            assert answer["error"] == (
                "User requested an account-locked subscription but no authorization was provided."
            )
            await r.client.placed(price=16_000.1)
            assert await socket.drain() == []

    patient.run(main())


def test_wrong_commands_are_refused_one_by_one() -> None:
    async def main() -> None:
        async with rig() as r:
            socket = await r.client.websocket()
            for request, error in (
                ({"op": "dance"}, "Unknown or unsupported op: dance"),
                ({"args": ["trade"]}, "Unrecognized request."),
                ([1], "Unrecognized request."),
                ({"op": "subscribe", "args": ["trades"]}, "Unknown table: trades"),
                ({"op": "subscribe", "args": ["quote:ETHUSD"]}, "Unknown or expired symbol."),
                ({"op": "subscribe", "args": ["margin:XBTUSD"]}, "Unknown or expired symbol."),
                ({"op": "subscribe", "args": [5]}, "A topic must be a string."),
                ({"op": "unsubscribe", "args": ["trade"]}, "You are not subscribed to this topic: trade"),
            ):
                answer = await socket.ask(request)
                assert answer["status"] == 400
                assert answer["error"].startswith(error)
                assert answer["request"] == request
            for text in ("{", "[" * 100_000):
                garbage = await socket.ask(text)
                assert (garbage["status"], garbage["request"]) == (400, text)
            request = {"op": "subscribe", "args": ["quote:XBTUSD", "nothing", "trade:XBTUSD"]}
            answers = [await socket.ask(request)] + [await socket.next() for _ in range(4)]
            assert [a.get("subscribe") or a.get("table") or a.get("error") for a in answers] == [
                "quote:XBTUSD",
                "quote",
                "Unknown table: nothing",
                "trade:XBTUSD",
                "trade",
            ]
            again = await socket.ask({"op": "subscribe", "args": "quote:XBTUSD"})
            assert again["error"] == "You are already subscribed to this topic: quote:XBTUSD"

    patient.run(main())


def test_subscriptions_are_rate_limited() -> None:
    async def main() -> None:
        async with rig(limits=Limits(per_minute=1)) as r:
            socket = await r.client.websocket("trade")
            answer = await socket.ask({"op": "subscribe", "args": ["quote"]})
            assert answer["status"] == 429
            assert answer["error"] == f"Rate limit exceeded, retry in {answer['meta']['retryAfter']} seconds."

    patient.run(main())


def test_a_partial_tells_keys_types_and_filter() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.client.placed(clOrdID="resting")
            gone = await r.client.placed(clOrdID="gone")
            await r.client.call("DELETE", "/order", {"orderID": gone["orderID"]})
            socket = await r.client.websocket("order:XBTUSD", "margin", "orderBook10:XBTUSD", "execution")
            order = socket.partials["order"]
            assert order["keys"] == ["orderID"]
            assert order["filter"] == {"account": 1234567, "symbol": "XBTUSD"}
            assert order["types"]["price"] == "float"
            assert order["types"]["orderID"] == "guid"
            assert order["foreignKeys"] == {"symbol": "instrument", "side": "side", "ordStatus": "ordStatus"}
            (row,) = order["data"]  # only what is open
            assert row["clOrdID"] == "resting"
            assert set(row) == set(order["types"])
            margin = socket.partials["margin"]
            assert margin["keys"] == ["account", "currency"]
            assert margin["filter"] == {"account": 1234567}
            assert margin["data"][0]["walletBalance"] == 1_000_000_000
            book = socket.partials["orderBook10"]["data"][0]
            assert book["bids"] == [[16_000, 10_000], [15_000, 100]]
            assert book["asks"] == [[Decimal("16000.1"), 10_000]]
            assert socket.partials["execution"]["data"] == []

    patient.run(main())


def test_a_fill_is_told_execution_order_position_margin() -> None:
    async def main() -> None:
        async with rig() as r:
            r.market(asks=levels(("16000", 1_000), ("16010", 5_000)))
            socket = await r.client.websocket("execution", "order", "position", "margin")
            answer = await r.client.placed(orderQty=1_500, price=16_010, clOrdID="w")
            messages = await socket.drain()
            assert [(m["table"], m["action"]) for m in messages] == [
                ("execution", "insert"),  # New
                ("order", "insert"),
                ("execution", "insert"),  # 1,000 at 16,000
                ("order", "update"),
                ("execution", "insert"),  # 500 at 16,010
                ("order", "update"),
                ("position", "insert"),
                ("margin", "update"),
            ]
            executions = [m["data"][0] for m in messages if m["table"] == "execution"]
            assert [(e["execType"], e["lastQty"], e["cumQty"]) for e in executions] == [
                ("New", None, 0),
                ("Trade", 1_000, 1_000),
                ("Trade", 500, 1_500),
            ]
            assert executions[1]["execID"] != executions[2]["execID"]
            first, second = (
                m["data"][0] for m in messages if m["action"] == "update" and m["table"] == "order"
            )
            assert set(first) == {
                "orderID", "clOrdID", "account", "symbol", "timestamp",
                "ordStatus", "leavesQty", "cumQty", "avgPx",
            }  # fmt: skip
            assert (first["ordStatus"], first["leavesQty"]) == ("PartiallyFilled", 500)
            assert (second["ordStatus"], second["leavesQty"], second["workingIndicator"]) == (
                "Filled",
                0,
                False,
            )
            merged = {**messages[1]["data"][0], **first, **second}
            assert merged == answer  # what REST said

    patient.run(main())


def test_deltas_add_up_to_what_rest_says() -> None:
    async def main() -> None:
        async with rig(limits=Limits(per_second=100)) as r:
            socket = await r.client.websocket(
                "position", "margin", "order", "orderBookL2_25:XBTUSD", "instrument"
            )
            tables: dict[str, dict[Any, Any]] = {}

            def apply(message: Any) -> None:
                rows = tables.setdefault(message["table"], {})
                keys = socket.partials[message["table"]]["keys"]
                for row in message["data"]:
                    key = tuple(row[name] for name in keys)
                    if message["action"] == "update":
                        assert key in rows, "an update of a row never told"
                        rows[key].update(row)
                    elif message["action"] == "delete":
                        assert set(row) == set(keys)
                        del rows[key]
                    else:
                        assert message["action"] == "partial" or key not in rows
                        rows[key] = dict(row)

            for partial in socket.partials.values():
                apply(partial)
            for step in range(8):
                r.market(
                    bids=levels((str(15_990 + 5 * step), 1_000), ("15900", 3_000)),
                    asks=levels((str(16_000 + 5 * step), 700), ("16100", 3_000)),
                    index=16_000 + 10 * step,
                )
                side, price = ("Buy", 16_100) if step % 3 else ("Sell", 15_900)
                await r.client.placed(side=side, price=price, orderQty=500 + 400 * step, clOrdID=str(step))
            for message in await socket.drain():
                apply(message)

            def bare(rows: Any) -> Any:
                return [{k: v for k, v in row.items() if k != "timestamp"} for row in rows]

            assert bare(tables["position"].values()) == bare(await r.client.get("/position"))
            assert bare(tables["margin"].values()) == bare([await r.client.get("/user/margin")])
            assert bare(tables["order"].values()) == bare(await r.client.get("/order"))
            assert bare(sorted(tables["instrument"].values(), key=lambda row: row["symbol"])) == bare(
                sorted(await r.client.get("/instrument"), key=lambda row: row["symbol"])
            )
            book = sorted(tables["orderBookL2_25"].values(), key=lambda row: -row["price"])
            assert bare(book) == bare(await r.client.get("/orderBook/L2?symbol=XBTUSD"))

    patient.run(main())


def test_cancels_post_only_and_amends_on_the_stream() -> None:
    async def main() -> None:
        async with rig() as r:
            socket = await r.client.websocket("execution", "order")
            await r.client.placed(price=16_000.1, execInst="ParticipateDoNotInitiate")
            messages = await socket.drain()
            assert [(m["table"], m["action"], m["data"][0]["ordStatus"]) for m in messages] == [
                ("execution", "insert", "Canceled"),
                ("order", "insert", "Canceled"),
            ]
            await r.client.placed(clOrdID="a")
            await socket.drain()
            await r.client.call("PUT", "/order", {"origClOrdID": "a", "price": 15_001})
            execution, order = await socket.drain()
            assert execution["data"][0]["execType"] == "Replaced"
            assert order["data"][0]["price"] == 15_001
            assert "ordStatus" not in order["data"][0]
            await r.client.call("DELETE", "/order", {"clOrdID": "a"})
            execution, order = await socket.drain()
            assert (execution["data"][0]["execType"], execution["data"][0]["lastQty"]) == ("Canceled", None)
            update = order["data"][0]
            assert (update["ordStatus"], update["leavesQty"], update["workingIndicator"]) == (
                "Canceled",
                0,
                False,
            )
            assert update["text"] == "Canceled: Canceled via API.\nSubmitted via API."

    patient.run(main())


def test_public_tables_follow_the_market() -> None:
    async def main() -> None:
        async with rig() as r:
            socket = await r.client.websocket(
                "quote:XBTUSD", "trade:XBTUSD", "orderBook10:XBTUSD", "instrument:XBTUSD", authenticate=False
            )
            assert socket.partials["quote"]["data"][0]["askPrice"] == Decimal("16000.1")
            r.market(levels(("16100", 100)), levels(("16100.5", 100)), symbol="XBTH27")  # not asked for
            assert await socket.drain() == []
            r.market(bids=levels(("16001", 200)), asks=levels(("16002", 300)), index=16_001)
            by_table = {m["table"]: m for m in await socket.drain()}
            assert by_table["quote"]["action"] == "insert"
            quote = by_table["quote"]["data"][0]
            assert (quote["bidPrice"], quote["bidSize"]) == (16_001, 200)
            assert (quote["askPrice"], quote["askSize"]) == (16_002, 300)
            assert by_table["orderBook10"]["data"][0]["asks"] == [[16_002, 300]]
            instrument = by_table["instrument"]["data"][0]
            assert instrument["indicativeSettlePrice"] == 16_001
            assert "lotSize" not in instrument
            await r.client.placed(side="Sell", orderQty=100, price=16_001)
            (trade,) = await socket.rows("trade")
            assert (trade["side"], trade["size"], trade["price"]) == ("Sell", 100, 16_001)
            assert trade["grossValue"] == 624_961  # 1e10 / 16,001 = 624,960.94
            assert (await r.client.get("/trade?symbol=XBTUSD"))[0]["trdMatchID"] == trade["trdMatchID"]

    patient.run(main())


def test_unsubscribing_ends_a_topic_and_subscribing_again_starts_anew() -> None:
    async def main() -> None:
        async with rig() as r:
            socket = await r.client.websocket("orderBook10:XBTUSD")
            request = {"op": "unsubscribe", "args": ["orderBook10:XBTUSD"]}
            assert await socket.ask(request) == {
                "success": True,
                "unsubscribe": "orderBook10:XBTUSD",
                "request": request,
            }
            r.market(bids=levels(("15990", 1)))
            assert await socket.drain() == []
            await socket.send({"op": "subscribe", "args": ["orderBook10:XBTUSD"]})
            await socket.next()
            partial = await socket.next()
            assert (partial["action"], partial["data"][0]["bids"]) == ("partial", [[15_990, 1]])

    patient.run(main())


def test_topics_and_signature_may_come_with_the_connection() -> None:
    async def main() -> None:
        async with rig() as r:
            expires = r.client.expires()
            headers = {
                "api-key": KEY,
                "api-expires": expires,
                "api-signature": sign(SECRET, "GET", "/realtime", expires),
            }
            url = r.client.base + "/realtime?subscribe=margin,quote:XBTUSD"
            socket = Socket(await r.client.http.ws_connect(url, headers=headers))
            seen = [await socket.next() for _ in range(6)]
            assert [m.get("table") or m.get("subscribe") for m in seen[2:]] == [
                "margin",
                "margin",
                "quote:XBTUSD",
                "quote",
            ]

    patient.run(main())


def test_the_dead_mans_switch_over_the_websocket() -> None:
    async def main() -> None:
        async with rig() as r:
            stranger = await r.client.websocket(authenticate=False)
            assert (await stranger.ask({"op": "cancelAllAfter", "args": 50}))["status"] == 401
            socket = await r.client.websocket("order")
            await r.client.placed(clOrdID="resting")
            await socket.drain()
            answer = await socket.ask({"op": "cancelAllAfter", "args": 50})
            assert set(answer) == {"now", "cancelTime", "request"}
            canceled = await socket.next()
            assert canceled["data"][0]["ordStatus"] == "Canceled"
            assert (await socket.ask({"op": "cancelAllAfter", "args": -1}))["error"] == "timeout is invalid"
            assert (await socket.ask({"op": "cancelAllAfter", "args": 0}))["cancelTime"] == 0

    patient.run(main())


def test_a_plain_get_is_no_websocket() -> None:
    async def main() -> None:
        async with rig() as r, r.client.http.get(r.client.base + "/realtime") as response:
            assert response.status == 400
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await r.client.http.ws_connect(r.client.base + "/api/v1/instrument")

    patient.run(main())
