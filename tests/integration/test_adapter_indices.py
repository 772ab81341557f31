"""Both venues' indices over real sockets: told by simulators, and not told by a venue that will not."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.ibkr.settings import IndexSettings
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.tws.index_service import IndexService
from adapters.venue import IndexRole, IndexTold, LinkState, VenueEvent
from risk.orders import Side
from tests import patient
from tests.integration import bitmex_adapter_rig as scripted
from tests.integration import ibkr_adapter_bench as broker
from tests.integration.test_bitmex_adapter_simulator import simulation

SPOT, SETTLEMENT = IndexRole.SPOT, IndexRole.SETTLEMENT
BITMEX = {SPOT: ".BXBT", SETTLEMENT: ".BXBT30M"}
CME = {SPOT: IndexSettings("BRTI")}


def told(events: list[VenueEvent], role: IndexRole = SPOT) -> list[IndexTold]:
    return [event for event in events if isinstance(event, IndexTold) and event.role is role]


def test_the_inverse_venues_indices_come_with_its_stream_and_after_a_break_again() -> None:
    async def main() -> None:
        async with simulation(indices=BITMEX) as s:
            await scripted.until(lambda: bool(told(s.events)) and bool(told(s.events, SETTLEMENT)))
            first = told(s.events)[-1]
            assert (first.symbol, first.price) == (".BXBT", Decimal("60000.05"))
            assert first.at is not None
            assert abs(first.at - patient.Clock().now()) < timedelta(seconds=30)
            s.market("61000", "61000.1")
            await scripted.until(lambda: told(s.events)[-1].price == Decimal("61000.05"))
            s.events.clear()
            s.server.faults.drop_websockets()
            await scripted.until(lambda: bool(told(s.events)))
            assert told(s.events)[-1].price == Decimal("61000.05")

    patient.run(main())


def test_a_venue_that_refuses_an_index_keeps_its_link() -> None:
    async def main() -> None:
        async with scripted.rig(connected=False, indices=BITMEX) as r:
            r.ws.refused["instrument:.BXBT"] = "Unknown or expired symbol."
            r.ws.withheld.add("instrument:.BXBT30M")
            await r.connect()
            await scripted.until(lambda: bool(told(r.events)))
            (only,) = told(r.events)
            assert (only.price, only.note) == (None, "bitmex does not tell it: Unknown or expired symbol.")
            await r.ws.table("execution", "insert", scripted.trade_row("e1"))
            await scripted.until(lambda: r.fills == ["e1"])
            assert r.links == [LinkState.UP]
            assert not told(r.events, SETTLEMENT)

    patient.run(main())


@pytest.mark.parametrize("price", [None, -5, 0, "NaN"])
def test_a_row_without_a_price_takes_no_link_down(price: Any) -> None:
    async def main() -> None:
        async with scripted.rig(connected=False, indices=BITMEX) as r:
            good = {"symbol": ".BXBT", "markPrice": 60000.5, "timestamp": scripted.stamp()}
            r.ws.snapshots["instrument:.BXBT"] = [good]
            r.ws.snapshots["instrument:.BXBT30M"] = []
            await r.connect()
            await scripted.until(lambda: bool(told(r.events)))
            await r.ws.table("instrument", "update", {"symbol": ".BXBT", "markPrice": price})
            await scripted.until(lambda: told(r.events)[-1].price is None)
            assert "no usable price" in told(r.events)[-1].note
            both = [{"symbol": "XBTUSD", "markPrice": 60002}, {"symbol": ".BXBT", "markPrice": 60001}]
            await r.ws.table("instrument", "update", *both)
            await scripted.until(lambda: told(r.events)[-1].price == 60001)
            assert r.links == [LinkState.UP]

    patient.run(main())


def move(b: broker.Bench, usd: int) -> None:
    bids, asks = ([BookLevel(price * 100, 10)] for price in (100_000, 100_005))
    b.exchange.set_market(broker.LISTED, usd * 100, bids, asks)


def test_the_brokers_index_follows_and_comes_again_after_a_break() -> None:
    async def main() -> None:
        async with broker.bench(indices=CME) as b:
            await broker.until(lambda: bool(told(b.heard.events)))
            first = told(b.heard.events)[-1]
            assert (first.symbol, first.price) == ("BRTI", Decimal(100_000))

            def followed() -> bool:
                move(b, 100_200)
                return told(b.heard.events)[-1].price == 100_200

            await broker.until(followed)
            at = told(b.heard.events)[-1].at
            assert at is not None
            assert at > datetime.now(UTC) - timedelta(minutes=1)
            b.heard.events.clear()
            b.server.drop_links()
            await broker.until(lambda: bool(told(b.heard.events)))
            assert told(b.heard.events)[-1].price == 100_200
            assert len([quote for quote in b.heard.quotes if quote.instrument != broker.MBT]) == 0

    patient.run(main())


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (IndexService.UNLISTED, "the broker lists no index BRTI at CME"),
        (
            IndexService.UNSUBSCRIBED,
            "the broker sends no data of it: Requested market data is not subscribed. [354]",
        ),
    ],
)
def test_a_login_without_the_index_trades_as_before(service: IndexService, said: str) -> None:
    async def main() -> None:
        async with broker.bench(indices=CME, server={"index_service": service}) as b:
            await broker.until(lambda: bool(told(b.heard.events)))
            await asyncio.sleep(0.3)  # a few heartbeats
            assert [(event.price, event.note) for event in told(b.heard.events)] == [(None, said)]
            assert [link.state for link in b.heard.links] == [LinkState.UP]
            assert b.venue.complaints == []
            await b.submit("p-1-work-1", Side.BUY, 1, 100_005)
            await broker.until(lambda: bool(b.heard.fills))

    patient.run(main())


def test_who_asks_for_no_index_is_told_none() -> None:
    async def main() -> None:
        async with broker.bench() as b, simulation() as s:
            await asyncio.sleep(0.1)
            assert not told(b.heard.events)
            assert not told(s.events)

    patient.run(main())
