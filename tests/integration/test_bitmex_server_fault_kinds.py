"""The simulated BitMEX: each kind of fault, met once on purpose, and what it leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from adapters.simulator.bitmex.faults import BITMEX_FAULTS
from adapters.simulator.bitmex.ratelimit import Limits
from adapters.simulator.faults import FaultKind, FaultPlan, FaultRates
from tests import patient
from tests.integration.bitmex_server_client import HandClock, Rig, day, levels, rig

LOST_LINK = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
CLOSED = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


def with_rig(test: Callable[[Rig], Awaitable[None]], clock: Any = None, **options: Any) -> None:
    async def main() -> None:
        async with rig(clock, **options) as r:
            await test(r)

    patient.run(main())


def short(**milliseconds: int) -> FaultPlan:
    """Return a plan of forced faults only, of these lengths."""
    lasts = {FaultKind(kind): timedelta(milliseconds=span) for kind, span in milliseconds.items()}
    return FaultPlan(FaultRates(lasts=lasts), 1, patient.Clock())


def test_an_order_lost_on_its_way_does_not_exist() -> None:
    async def test(r: Rig) -> None:
        r.server.faults.next_order(FaultKind.LOST)
        with pytest.raises(LOST_LINK):
            await r.client.order(clOrdID="lost")
        assert await r.client.get("/order") == []
        assert (await r.client.order(clOrdID="lost")).status == 200
        r.server.faults.plan.force(FaultKind.LOST, 2)  # aiohttp sends a DELETE twice
        with pytest.raises(LOST_LINK):
            await r.client.call("DELETE", "/order", {"clOrdID": "lost"})
        assert [row["ordStatus"] for row in await r.client.get("/order")] == ["New"]

    with_rig(test)


def test_a_cancel_carried_out_and_never_answered() -> None:
    async def test(r: Rig) -> None:
        await r.client.placed(clOrdID="gone")
        r.server.faults.plan.force(FaultKind.UNANSWERED, 2)  # aiohttp sends a DELETE twice
        with pytest.raises(LOST_LINK):
            await r.client.call("DELETE", "/order", {"clOrdID": "gone"})
        assert [row["ordStatus"] for row in await r.client.get("/order")] == ["Canceled"]

    with_rig(test)


def test_an_order_refused_is_refused_in_words() -> None:
    async def test(r: Rig) -> None:
        r.server.faults.next_order(FaultKind.REFUSED)
        answer = await r.client.order(clOrdID="refused")
        assert (answer.status, answer.body["error"]["name"]) == (400, "ValidationError")
        assert await r.client.get("/order") == []

    with_rig(test)


def test_another_program_spends_the_requests_of_a_second() -> None:
    async def main() -> None:
        clock = HandClock(day())
        async with rig(clock) as r:
            r.server.faults.plan.force(FaultKind.RATE_LIMITED)
            assert (await r.client.call("GET", "/position")).status == 200  # not of this limit
            refused = await r.client.order(clOrdID="b")
            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
            assert refused.headers["x-ratelimit-remaining-1s"] == "0"
            assert refused.headers["x-ratelimit-remaining"] == "118"
            clock.move(seconds=0.1)
            assert (await r.client.order(clOrdID="b")).status == 200

    patient.run(main())


def test_a_ban_refuses_everything_for_a_while() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("order")
        r.server.faults.plan.force(FaultKind.BANNED)
        for verb, path in (("GET", "/position"), ("DELETE", "/order/all"), ("GET", "/instrument")):
            banned = await r.client.call(verb, path)
            assert (banned.status, banned.error) == (403, "Forbidden")
        assert (await r.client.unsigned("GET", "/instrument")).status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await r.client.websocket("order")
        assert await socket.ask("ping") == "pong"  # a link that stands is left alone
        await asyncio.sleep(0.25)
        assert (await r.client.call("GET", "/position")).status == 200

    with_rig(test, faults=short(banned=200))


def test_a_hung_venue_says_nothing_and_then_everything() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("order")
        r.server.faults.plan.force(FaultKind.HUNG)
        began = patient.Clock().monotonic()
        answer = asyncio.create_task(r.client.placed(clOrdID="slow"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(answer), 0.15)
        assert [order.client_id for order in r.exchange.orders("client")] == ["slow"]  # it was carried out
        message = await socket.next()
        assert (await answer)["clOrdID"] == message["data"][0]["clOrdID"] == "slow"
        assert patient.Clock().monotonic() - began >= 0.3

    with_rig(test, faults=short(hung=300))


def test_a_dropped_link_loses_what_was_to_be_told() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("execution", "order")
        r.server.faults.plan.force(FaultKind.DROPPED_LINK)
        await r.client.placed(price=16_000.1)
        assert (await socket.ws.receive(timeout=5)).type in CLOSED
        assert r.server.faults.plan.counts == {FaultKind.DROPPED_LINK: 1}

    with_rig(test)


def test_an_execution_told_twice() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("execution", "position")
        r.server.faults.plan.force(FaultKind.DUPLICATE, 2)
        await r.client.placed(price=16_000.1)
        rows = await socket.rows("execution")
        assert [row["execType"] for row in rows] == ["New", "New", "Trade", "Trade"]
        assert len({row["execID"] for row in rows}) == 2

    with_rig(test)


def test_a_late_message_comes_late_and_keeps_its_place() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("order", "margin")
        r.server.faults.plan.force(FaultKind.LATE)
        began = patient.Clock().monotonic()
        await r.client.placed(clOrdID="a")
        assert patient.Clock().monotonic() - began < 0.2  # the answer overtakes it
        first, second = await socket.next(), await socket.next()
        assert patient.Clock().monotonic() - began >= 0.25
        assert (first["table"], second["table"]) == ("order", "margin")

    with_rig(test, faults=short(late=250))


def test_two_tables_messages_change_places() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("execution", "order")
        await r.client.placed(clOrdID="first")
        assert [m["table"] for m in await socket.drain()] == ["execution", "order"]
        r.server.faults.plan.force(FaultKind.REORDERED)
        await r.client.placed(clOrdID="second")
        assert [m["table"] for m in await socket.drain()] == ["order", "execution"]

    with_rig(test)


def test_messages_of_one_table_never_change_places_and_none_is_held_for_ever() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("order")
        r.server.faults.plan.force(FaultKind.REORDERED, 2)
        await r.client.placed(clOrdID="first")
        await r.client.placed(clOrdID="second")
        told = [await socket.next(), await socket.next()]
        assert [m["data"][0]["clOrdID"] for m in told] == ["first", "second"]
        assert r.server.faults.plan.counts == {FaultKind.REORDERED: 2}

    with_rig(test)


def test_what_is_told_in_a_gap_is_lost_and_the_link_goes_on() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("execution", "order", "margin")
        r.server.faults.plan.force(FaultKind.GAP)
        await r.client.placed(clOrdID="unheard", price=16_000.1)
        assert await socket.drain() == []
        await asyncio.sleep(0.12)
        await r.client.placed(clOrdID="heard")
        rows = await socket.rows("order")
        assert [row["clOrdID"] for row in rows] == ["heard"]
        (fill,) = await r.client.get("/execution/tradeHistory")
        assert fill["clOrdID"] == "unheard"

    with_rig(test, faults=short(gap=100))


def test_stale_prices_stand_still_and_then_catch_up() -> None:
    async def test(r: Rig) -> None:
        socket = await r.client.websocket("orderBook10", "instrument:XBTUSD", "quote", "order")
        r.server.faults.plan.force(FaultKind.STALE)
        r.market(bids=levels(("15900", 500)), asks=levels(("15900.1", 500)), index=15_900)
        await r.client.placed(clOrdID="meanwhile")
        assert {m["table"] for m in await socket.drain()} == {"order"}  # the rest of the venue goes on
        await asyncio.sleep(0.22)
        r.market(bids=levels(("15900", 500)), asks=levels(("15900.1", 500)), index=15_900)
        (book,) = [row for row in await socket.rows("orderBook10") if row["symbol"] == "XBTUSD"]
        assert book["bids"][0] == [15_900, 500]

    with_rig(test, faults=short(stale=200))


def test_every_kind_happens_by_rate_and_is_counted() -> None:
    async def test(r: Rig) -> None:
        plan, socket, number = r.server.faults.plan, None, 0
        while min(plan.counts.values()) == 0 and number < 400:
            number += 1
            with suppress(aiohttp.ClientError, TimeoutError):
                if socket is None or socket.ws.closed:
                    socket = await r.client.websocket("execution", "order")
                await r.client.order(clOrdID=f"n{number}")
                side, price = ("Buy", 16_001) if number % 2 else ("Sell", 15_999)
                await r.client.order(side=side, price=price, timeInForce="ImmediateOrCancel")
                await r.client.call("DELETE", "/order/all")
                while (await socket.ws.receive(timeout=0.005)).type not in CLOSED:
                    pass
                socket = None
            r.market(index=16_000 + number)
        assert set(plan.counts) == BITMEX_FAULTS
        assert min(plan.counts.values()) > 0, plan.counts
        assert max(plan.counts.values()) <= 4

    brief = {kind: timedelta(milliseconds=20) for kind in (FaultKind.HUNG, FaultKind.BANNED, FaultKind.GAP)}
    rates = FaultRates(dict.fromkeys(BITMEX_FAULTS, 80_000), brief, at_most=4)
    limits = Limits(per_minute=100_000, per_second=10_000)
    with_rig(test, faults=FaultPlan(rates, 5, patient.Clock()), limits=limits)


def test_a_server_refuses_faults_it_cannot_do() -> None:
    async def main() -> None:
        plan = FaultPlan(FaultRates({FaultKind.GATEWAY_RESTART: 1}), 1, patient.Clock())
        with pytest.raises(ValueError, match="BitMEX has no fault gateway_restart"):
            async with rig(faults=plan):
                pass

    patient.run(main())
