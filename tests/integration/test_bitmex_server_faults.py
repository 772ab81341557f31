"""The simulated BitMEX: rate limits, the dead man's switch, faults on demand, starting and stopping."""

import asyncio

import aiohttp
import pytest

from adapters.simulator.bitmex.ratelimit import Limits
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.exchange.catalog import mbt, xbtusd
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.faults import FaultKind
from tests import patient
from tests.integration.bitmex_server_client import KEY, SECRET, HandClock, day, rig


def test_a_hundred_and_twenty_requests_a_minute() -> None:
    async def main() -> None:
        clock = HandClock(day())
        async with rig(clock) as r:
            for left in range(119, -1, -1):
                answer = await r.client.call("GET", "/apiKey")
                assert answer.status == 200
                assert answer.headers["x-ratelimit-limit"] == "120"
                assert answer.headers["x-ratelimit-remaining"] == str(left)
            refused = await r.client.call("GET", "/apiKey")
            assert refused.status == 429
            assert refused.body == {
                "error": {"message": "Rate limit exceeded, retry in 1 seconds.", "name": "RateLimitError"}
            }
            assert refused.headers["retry-after"] == "1"
            assert refused.headers["x-ratelimit-remaining"] == "0"
            assert int(refused.headers["x-ratelimit-reset"]) == clock.now().timestamp() + 1
            assert (await r.client.order()).status == 429
            assert r.exchange.orders("client") == []
            # cancels are counted, not refused
            assert (await r.client.call("DELETE", "/order/all")).status == 200
            clock.move(seconds=0.5)  # two a second come back
            assert (await r.client.call("GET", "/apiKey")).status == 200
            assert (await r.client.call("GET", "/apiKey")).status == 429

    patient.run(main())


def test_unsigned_requests_have_a_smaller_bucket_of_their_own() -> None:
    async def main() -> None:
        async with rig(HandClock(day())) as r:
            for _ in range(30):
                assert (await r.client.unsigned("GET", "/instrument")).status == 200
            refused = await r.client.unsigned("GET", "/instrument")
            assert (refused.status, refused.headers["retry-after"]) == (429, "2")
            assert (await r.client.call("GET", "/instrument")).status == 200

    patient.run(main())


def test_ten_orders_a_second() -> None:
    async def main() -> None:
        clock = HandClock(day())
        async with rig(clock) as r:
            for left in range(9, -1, -1):
                answer = await r.client.order()
                assert (answer.status, answer.headers["x-ratelimit-remaining-1s"]) == (200, str(left))
            refused = await r.client.order()
            assert (refused.status, refused.headers["x-ratelimit-remaining-1s"]) == (429, "0")
            assert refused.headers["retry-after"] == "1"
            other = await r.client.call("GET", "/position")
            assert other.status == 200
            assert "x-ratelimit-remaining-1s" not in other.headers
            assert len(r.exchange.orders("client")) == 10
            clock.move(seconds=0.1)
            assert (await r.client.order()).status == 200

    patient.run(main())


def test_the_dead_mans_switch_fires() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.client.placed(clOrdID="a")
            await r.client.placed(clOrdID="b", side="Sell", price=17_000)
            socket = await r.client.websocket("order")
            armed = await r.client.call("POST", "/order/cancelAllAfter", {"timeout": 60_000})
            assert armed.status == 200
            assert set(armed.body) == {"now", "cancelTime"}
            first = armed.body["cancelTime"]
            again = await r.client.call("POST", "/order/cancelAllAfter", {"timeout": 80})  # replaces it
            assert again.body["cancelTime"] < first
            assert await socket.drain() == []
            began = patient.Clock().monotonic()
            canceled = [await socket.next(), await socket.next()]
            assert patient.Clock().monotonic() - began < 2
            assert {row["ordStatus"] for m in canceled for row in m["data"]} == {"Canceled"}
            orders = await r.client.get("/order")
            assert [row["text"].split("\n")[0] for row in orders] == [
                "Canceled: Canceled via cancelAllAfter."
            ] * 2

    patient.run(main())


def test_the_dead_mans_switch_counts_milliseconds_and_is_disarmed_by_zero() -> None:
    async def main() -> None:
        clock = HandClock(day())
        async with rig(clock) as r:
            await r.client.placed()
            answer = await r.client.call("POST", "/order/cancelAllAfter", {"timeout": 15_000})
            assert answer.body == {
                "now": "2026-11-23T00:00:00.000Z",
                "cancelTime": "2026-11-23T00:00:15.000Z",
            }
            off = await r.client.call("POST", "/order/cancelAllAfter", {"timeout": 0})
            assert off.body["cancelTime"] == 0
            clock.move(seconds=60)
            r.exchange.step()
            assert (await r.client.get('/order?filter={"open":true}')) != []
            for wrong in ({}, {"timeout": -1}, {"timeout": "soon"}):
                assert (await r.client.call("POST", "/order/cancelAllAfter", wrong)).status == 400

    patient.run(main())


def test_dropping_the_websockets() -> None:
    async def main() -> None:
        async with rig() as r:
            sockets = [await r.client.websocket("order"), await r.client.websocket()]
            assert r.server.faults.drop_websockets() == 2
            for socket in sockets:
                message = await socket.ws.receive(timeout=5)
                assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            await r.client.placed(clOrdID="while-away")
            fresh = await r.client.websocket("order")
            assert [row["clOrdID"] for row in fresh.partials["order"]["data"]] == ["while-away"]

    patient.run(main())


def test_an_order_accepted_but_never_answered() -> None:
    async def main() -> None:
        async with rig() as r:
            r.server.faults.next_order(FaultKind.UNANSWERED)
            with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
                await r.client.order(clOrdID="unknown", price=16_000.1)
            (order,) = await r.client.get('/order?filter={"clOrdID":"unknown"}')
            assert (order["ordStatus"], order["cumQty"]) == ("Filled", 100)
            assert [entry.client_id for entry in r.server.order_log] == ["unknown"]
            assert (await r.client.order(clOrdID="unknown")).error == "Duplicate clOrdID"
            assert (await r.client.order(clOrdID="next")).status == 200

    patient.run(main())


def test_an_overloaded_venue_never_saw_the_order() -> None:
    async def main() -> None:
        async with rig() as r:
            r.server.faults.next_order(FaultKind.OVERLOADED, times=2)
            for _ in range(2):
                shed = await r.client.order(clOrdID="shed")
                assert shed.status == 503
                assert shed.body == {
                    "error": {
                        "message": "The system is currently overloaded. Please try again later.",
                        "name": "HTTPError",
                    }
                }
            assert (await r.client.call("DELETE", "/order/all")).status == 200  # cancels are never shed
            assert await r.client.get("/order") == []
            assert (await r.client.order(clOrdID="shed")).status == 200

    patient.run(main())


def test_delayed_answers_and_latency() -> None:
    async def main() -> None:
        async with rig() as r:
            r.server.faults.answer_delay_ms = 200
            socket = await r.client.websocket("order")
            began = patient.Clock().monotonic()
            task = asyncio.create_task(r.client.order(clOrdID="slow"))
            assert (await socket.next())["data"][0]["clOrdID"] == "slow"
            assert not task.done()  # carried out at once, answered late
            assert (await task).status == 200
            assert patient.Clock().monotonic() - began >= 0.2
        async with rig(latency_ms=150) as r:
            began = patient.Clock().monotonic()
            task = asyncio.create_task(r.client.order(clOrdID="far"))
            await asyncio.sleep(0.05)
            assert r.server.order_log == ()  # still on its way
            assert (await task).status == 200
            assert patient.Clock().monotonic() - began >= 0.15
            assert (await r.client.call("GET", "/position")).status == 200

    patient.run(main())


def test_starting_stopping_and_starting_again() -> None:
    async def main() -> None:
        clock = patient.Clock()
        exchange = Exchange("bitmex", [xbtusd()], INVERSE_RULES, clock)
        server = BitmexServer(exchange, clock, api_key=KEY, api_secret=SECRET)
        port = await server.start("127.0.0.1", 0)
        rival = BitmexServer(exchange, clock, api_key=KEY, api_secret=SECRET)
        with pytest.raises(OSError, match=str(port)):
            await rival.start("127.0.0.1", port)
        await rival.stop()
        with pytest.raises(RuntimeError):
            await server.start("127.0.0.1", 0)
        async with aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"http://127.0.0.1:{port}/realtime")
            await socket.receive()
            await server.stop()
            await server.stop()
            assert (await socket.receive(timeout=5)).type in (
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            )
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(f"http://127.0.0.1:{port}/api/v1/instrument")
            assert await server.start("127.0.0.1", port) == port
            async with http.get(f"http://127.0.0.1:{port}/api/v1/instrument") as response:
                assert response.status == 200
        await server.stop()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    patient.run(main())


def test_a_linear_venue_cannot_be_served_as_bitmex() -> None:
    exchange = Exchange("cme", [mbt(2026, 12)], LINEAR_RULES, patient.Clock())
    with pytest.raises(ValueError, match="cme is no inverse venue"):
        BitmexServer(exchange, patient.Clock(), api_key=KEY, api_secret=SECRET)


def test_a_server_over_an_exchange_with_a_past_knows_it() -> None:
    async def main() -> None:
        async with rig(limits=Limits(per_second=100)) as r:
            await r.client.placed(price=16_000.1, orderQty=300, clOrdID="before")
            await r.client.placed(clOrdID="resting")
            later = BitmexServer(r.exchange, patient.Clock(), api_key=KEY, api_secret=SECRET)
            r.client.base = f"http://127.0.0.1:{await later.start('127.0.0.1', 0)}"
            try:
                assert [row["clOrdID"] for row in await r.client.get("/order")] == ["before", "resting"]
                (fill,) = await r.client.get("/execution/tradeHistory")
                assert (fill["clOrdID"], fill["lastQty"]) == ("before", 300)
                socket = await r.client.websocket("order")
                await r.client.call("DELETE", "/order/all")
                (update,) = await socket.rows("order", "update")
                assert update["ordStatus"] == "Canceled"
                assert (await r.client.order(clOrdID="before")).error == "Duplicate clOrdID"
            finally:
                await later.stop()

    patient.run(main())
