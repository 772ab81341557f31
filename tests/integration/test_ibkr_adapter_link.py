"""Links that break, hang and come back, against the simulated gateway."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.errors import Misconfigured, NotSent, OutcomeUnknown, Unreachable
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.exchange.orders import NewOrder, Tif
from adapters.simulator.exchange.orders import Side as SimSide
from adapters.venue import LinkState
from risk.orders import OrderStatus, Side
from tests import patient
from tests.integration.ibkr_adapter_bench import (
    ACCOUNT,
    GTC,
    HOST,
    LISTED,
    MBT,
    Bench,
    Heard,
    bench,
    settings,
    until,
)


def states(heard: Heard) -> list[LinkState]:
    """The link's states, repetitions (another reason for the same state) left out."""
    found: list[LinkState] = []
    for link in heard.links:
        if not found or found[-1] is not link.state:
            found.append(link.state)
    return found


async def down(b: Bench) -> None:
    await b.server.stop()
    await until(lambda: not b.heard.is_up)


async def up(b: Bench, next_order_id: int | None = None) -> None:
    await b.server.start(HOST, b.port, next_order_id=next_order_id)
    await until(lambda: b.heard.is_up)


def test_fills_missed_while_the_link_was_down_are_told_once_and_before_the_link_is_up() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.submit("resting", Side.BUY, 6, 99_000, **GTC)
            await b.submit("before", Side.BUY, 1, 100_005)
            await until(lambda: b.heard.fees)
            await down(b)
            b.market(98_990, 98_995, size=4)  # trades through 4 of the 6
            assert len(b.heard.fills) == 1
            await up(b)
            missed = b.heard.fills[1:]
            assert [(f.client_order_id, f.quantity, f.price) for f in missed] == [
                ("resting", 4, Decimal(99_000))
            ]
            assert b.heard.events.index(missed[0]) < b.heard.events.index(b.heard.links[-1])
            await until(lambda: len(b.heard.fees) == 2)
            assert b.heard.of("resting")[-1].filled == 4
            for _ in range(2):
                await down(b)
                await up(b)
            assert len(b.heard.fills) == 2
            assert len(b.heard.fees) == 2
            # and the order is still ours to cancel
            await b.venue.cancel(MBT, "resting")
            await until(lambda: b.heard.of("resting")[-1].status is OrderStatus.CANCELED)

    patient.run(main())


def test_an_order_that_ended_while_the_link_was_down_is_told() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.submit("filled", Side.BUY, 2, 99_000, **GTC)
            await b.submit("gone", Side.BUY, 2, 98_000, **GTC)
            await down(b)
            b.market(98_900, 98_905)
            (live,) = b.exchange.orders(ACCOUNT, live_only=True)
            b.exchange.cancel(ACCOUNT, live.order_id)
            await up(b)
            assert (b.heard.of("filled")[-1].status, b.heard.of("filled")[-1].filled) == (
                OrderStatus.FILLED,
                2,
            )
            assert (b.heard.of("gone")[-1].status, b.heard.of("gone")[-1].filled) == (OrderStatus.CANCELED, 0)

    patient.run(main())


def test_order_ids_that_rolled_back_touch_no_order_of_before() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.submit("first", Side.BUY, 1, 100_005)
            await b.submit("resting", Side.BUY, 2, 99_000, **GTC)
            await down(b)
            await up(b, next_order_id=1)
            update = await b.submit("second", Side.BUY, 3, 98_000, **GTC)
            assert update.status is OrderStatus.NEW
            listed = {o.client_order_id: (o.quantity, o.price) for o in await b.venue.open_orders()}
            assert listed == {"resting": (2, Decimal(99_000)), "second": (3, Decimal(98_000))}

    patient.run(main())


def test_a_dropped_link_leaves_an_order_in_flight_unknown_and_the_question_answers_it() -> None:
    async def main() -> None:
        async with bench(server={"latency_ms": 60}) as b:
            sending = asyncio.ensure_future(b.submit("p1", Side.BUY, 3, 100_005))
            await until(lambda: b.server.order_log)
            b.server.drop_links()
            with pytest.raises(OutcomeUnknown, match="link lost"):
                await sending
            await until(lambda: b.heard.is_up)
            await until(lambda: b.heard.fills)
            update = await b.venue.order(MBT, "p1")
            assert update is not None
            assert (update.status, update.filled) == (OrderStatus.FILLED, 3)
            assert [f.quantity for f in b.heard.fills] == [3]
            assert states(b.heard) == [LinkState.UP, LinkState.DOWN, LinkState.UP]

    patient.run(main())


def test_an_order_the_gateway_keeps_silent_about_is_unknown_not_refused() -> None:
    async def main() -> None:
        async with bench() as b:
            b.server.faults.silent_orders = 1
            with pytest.raises(OutcomeUnknown, match=r"no word within 0\.5 s"):
                await b.submit("p1", Side.BUY, 2, 99_000, **GTC)
            update = await b.venue.order(MBT, "p1")
            assert update is not None
            assert (update.status, update.leaves) == (OrderStatus.NEW, 2)

    patient.run(main())


def test_a_hung_gateway_is_noticed_nothing_is_invented_and_the_link_comes_back() -> None:
    async def main() -> None:
        async with bench(order_timeout=0.1) as b:
            b.server.faults.hang(b.clock.now(), timedelta(seconds=0.8))
            with pytest.raises(OutcomeUnknown):
                await b.submit("p1", Side.BUY, 2, 100_005)
            with pytest.raises(Unreachable):
                await b.venue.positions()
            await until(lambda: not b.heard.is_up)
            assert "no answer" in b.heard.links[1].detail
            with pytest.raises(NotSent):
                await b.submit("p2", Side.BUY, 2, 100_005)
            for question in (b.venue.open_orders, b.venue.positions, b.venue.account):
                with pytest.raises(Unreachable):
                    await question()
            with pytest.raises(Unreachable):
                await b.venue.order(MBT, "p1")
            with pytest.raises(Unreachable):
                await b.venue.cancel(MBT, "p1")
            assert b.heard.fills == []
            await until(lambda: b.heard.is_up)
            assert [(f.client_order_id, f.quantity) for f in b.heard.fills] == [("p1", 2)]
            assert [e.order_ref for e in b.server.order_log] == ["p1"]

    patient.run(main())


def test_quotes_go_on_after_a_reconnection() -> None:
    async def main() -> None:
        async with bench() as b:
            b.server.drop_links()
            await until(lambda: len(b.heard.links) >= 3 and b.heard.is_up)
            b.market(100_100, 100_110)
            await until(lambda: b.heard.quotes[-1].bid and b.heard.quotes[-1].bid.price == 100_100)

    patient.run(main())


def test_a_client_id_in_use_is_a_misconfiguration_in_clear_words() -> None:
    async def main() -> None:
        async with bench() as b:
            twin = IbkrVenue(settings(b.port), b.clock)
            with pytest.raises(Misconfigured, match="client id 7 is in use by another program") as caught:
                await twin.connect([MBT.symbol], Heard())
            assert caught.value.code == "326"
            await twin.close()
            assert b.heard.is_up
            assert b.server.clients == [7]

    patient.run(main())


def test_nobody_there_is_unreachable() -> None:
    async def main() -> None:
        async with bench(connect=False) as b:
            await b.server.stop()
            with pytest.raises(Unreachable, match="connect to 127"):
                await b.connect()
            await b.server.start(HOST, b.port)
            await b.connect()  # a failed attempt leaves nothing behind
            assert b.heard.is_up

    patient.run(main())


def test_a_hung_gateway_at_connect_is_unreachable() -> None:
    async def main() -> None:
        async with bench(connect=False, connect_timeout=0.2) as b:
            b.server.faults.hang(b.clock.now(), timedelta(seconds=0.5))
            with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
                await b.connect()
            assert b.heard.events == []

    patient.run(main())


def test_another_programs_fills_come_with_the_next_question() -> None:
    async def main() -> None:
        async with bench() as b:
            b.exchange.place(
                ACCOUNT, NewOrder(LISTED, SimSide.BUY, 2, 100_005 * 100, Tif.IOC, client_id="by hand")
            )
            fills = await b.venue.fills(b.clock.now() - timedelta(minutes=1))
            assert [(f.quantity, f.price) for f in fills] == [(2, Decimal(100_005))]
            assert b.heard.fills == fills

    patient.run(main())


def test_close_is_idempotent_and_ends_every_task() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.venue.close()
            await b.venue.close()
            await until(lambda: b.server.clients == [])
            with pytest.raises(NotSent):
                await b.submit("p1", Side.BUY, 1, 100_005)
            await b.connect()  # and it can be opened again
            assert [link.state for link in b.heard.links] == [LinkState.UP, LinkState.UP]
            await b.submit("p1", Side.BUY, 1, 100_005)
            await b.venue.close()
            ours = [task for task in asyncio.all_tasks() if "ibkr" in repr(task.get_coro())]
            assert ours == []

    patient.run(main())
