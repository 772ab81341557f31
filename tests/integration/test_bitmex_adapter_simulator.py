"""The adapter against the simulated BitMEX: both written from the venue's description, neither from the other."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.venue import BitmexVenue
from adapters.errors import Misconfigured, OutcomeUnknown, Refused, Unreachable
from adapters.simulator.bitmex.auth import Permission
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.exchange.catalog import xbt_future, xbtusd
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import NewOrder
from adapters.simulator.exchange.orders import Side as Way
from adapters.simulator.exchange.rules import INVERSE_RULES
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.faults import FaultKind
from adapters.venue import IndexRole, Link, LinkState, VenueEvent
from risk.instruments import InstrumentId
from risk.orders import CashFlow, CashFlowKind, Fill, OrderStatus, OrderUpdate, Side, TimeInForce
from risk.portfolio import Quote
from tests import patient
from tests.integration.bitmex_adapter_rig import KEY, SECRET, SYMBOL, approved, until

XBT = 100_000_000


@dataclass
class Simulation:
    exchange: Exchange
    server: BitmexServer
    settings: BitmexSettings
    venue: BitmexVenue
    events: list[VenueEvent]

    def market(self, bid: str, ask: str, size: int = 10_000) -> None:
        cents = [int(Decimal(price) * 100) for price in (bid, ask)]
        bids, asks = ([BookLevel(price, size)] for price in cents)
        self.exchange.set_market(SYMBOL, sum(cents) // 2, bids, asks)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def simulation(
    connected: bool = True, indices: Mapping[IndexRole, str] = MappingProxyType({}), **options: Any
) -> AsyncIterator[Simulation]:
    clock = patient.Clock()
    exchange = Exchange(
        "bitmex", [xbtusd(), xbt_future(2027, 3)], INVERSE_RULES, clock, funding=FundingSchedule()
    )
    server = BitmexServer(exchange, clock, api_key=KEY, api_secret=SECRET, **options)
    exchange.deposit("client", 10 * XBT)
    port = await server.start("127.0.0.1", 0)
    settings = BitmexSettings(
        base_url=f"http://127.0.0.1:{port}",
        ws_url=f"ws://127.0.0.1:{port}/realtime",
        api_key=KEY,
        api_secret=SECRET,
        retry_wait=0.02,
        reconnect_first=0.02,
        indices=indices,
    )
    s = Simulation(exchange, server, settings, BitmexVenue(settings, clock), [])
    s.market("60000", "60000.1")
    try:
        if connected:
            await s.venue.connect([SYMBOL, "XBTH27"], s.events.append)
        yield s
    finally:
        await s.venue.close()
        await server.stop()
        await asyncio.sleep(0)


def test_terms_quotes_and_account() -> None:
    async def main() -> None:
        async with simulation() as s:
            terms = s.venue.instrument(SYMBOL).terms
            assert (terms.lot, terms.tick, terms.rounding_unit) == (100, Decimal("0.1"), 100)
            assert s.venue.instrument("XBTH27").terms.expiry == datetime(2027, 3, 26, 12, tzinfo=UTC)

            def latest() -> Any:
                return [quote for quote in s.of(Quote) if quote.instrument.symbol == SYMBOL][-1]

            quote = latest()
            assert (quote.bid.price, quote.ask.price) == (Decimal(60000), Decimal("60000.1"))
            assert quote.mark is not None
            s.market("60100", "60100.5", 300)
            await until(lambda: latest().bid.price == Decimal(60100))
            account = await s.venue.account()
            assert (account.wallet.units, account.available.units) == (10 * XBT, 10 * XBT)

    patient.run(main())


def test_a_fill_a_fee_and_a_position_to_the_satoshi() -> None:
    async def main() -> None:
        async with simulation() as s:
            update = await s.venue.submit(approved(s.venue, "buy-1", "60000.1"))
            assert (update.status, update.filled) == (OrderStatus.FILLED, 1000)
            await until(lambda: len(s.of(Fill)) == 1)
            (fill,) = s.of(Fill)
            # round(1e10 / 60000.1) = 166,666 satoshi a lot, ten lots; 0.05 % of that is 833.33.
            assert (fill.client_order_id, fill.quantity, fill.price) == ("buy-1", 1000, Decimal("60000.1"))
            assert fill.fee is not None
            assert fill.fee.units in (833, 834)
            (position,) = await s.venue.positions()
            assert (position.contracts, position.cost_units) == (1000, 1_666_660)
            assert (await s.venue.account()).wallet.units == 10 * XBT - fill.fee.units
            assert await s.venue.fills(fill.at - timedelta(seconds=1)) == [fill]
            sold = await s.venue.submit(approved(s.venue, "sell-1", "60000", side=Side.SELL, quantity=3000))
            assert sold.filled == 3000
            (position,) = await s.venue.positions()
            assert position.contracts == -2000
            assert position.cost_units == -2 * 10 * 166_667  # round(1e10 / 60000) a lot

    patient.run(main())


def test_resting_cancelling_and_asking() -> None:
    async def main() -> None:
        async with simulation() as s:
            instrument = s.venue.instrument(SYMBOL).id
            order = approved(s.venue, "rest-1", "59000", time_in_force=TimeInForce.GTC, post_only=True)
            update = await s.venue.submit(order)
            assert update.status is OrderStatus.NEW
            (resting,) = await s.venue.open_orders()
            assert (resting.client_order_id, resting.leaves) == ("rest-1", 1000)
            await s.venue.cancel(instrument, "rest-1")
            await until(lambda: s.of(OrderUpdate)[-1].status is OrderStatus.CANCELED)
            asked = await s.venue.order(instrument, "rest-1")
            assert asked is not None
            assert asked.status is OrderStatus.CANCELED
            await s.venue.cancel(instrument, "rest-1")  # final already: no error
            with pytest.raises(Refused):
                await s.venue.cancel(instrument, "never-was")
            assert await s.venue.order(instrument, "never-was") is None
            assert await s.venue.open_orders() == []

    patient.run(main())


def test_a_crossing_post_only_order_is_cancelled_with_its_reason() -> None:
    async def main() -> None:
        async with simulation() as s:
            order = approved(s.venue, "post-1", "60000.1", time_in_force=TimeInForce.GTC, post_only=True)
            update = await s.venue.submit(order)
            assert update.status is OrderStatus.CANCELED
            assert "ParticipateDoNotInitiate" in update.reason

    patient.run(main())


def test_what_the_venue_refuses() -> None:
    async def main() -> None:
        async with simulation() as s:
            # 1,000 XBT at 1 % are the whole wallet, and the fees come on top.
            big = approved(s.venue, "big", "10000", quantity=10_000_000, time_in_force=TimeInForce.GTC)
            with pytest.raises(Refused, match="insufficient Available Balance"):
                await s.venue.submit(big)
            await s.venue.submit(approved(s.venue, "once"))
            with pytest.raises(OutcomeUnknown) as caught:
                await s.venue.submit(approved(s.venue, "once"))
            assert caught.value.code == "DUPLICATE_CLIENT_ID"
            assert len(s.server.order_log) == 1

    patient.run(main())


@pytest.mark.parametrize(("fault", "exists"), [(FaultKind.UNANSWERED, True), (FaultKind.OVERLOADED, False)])
def test_an_unknown_order_is_resolved_by_asking(fault: FaultKind, exists: bool) -> None:
    async def main() -> None:
        async with simulation() as s:
            s.server.faults.next_order(fault)
            with pytest.raises(OutcomeUnknown):
                await s.venue.submit(approved(s.venue, "unknown-1"))
            known = await s.venue.order(s.venue.instrument(SYMBOL).id, "unknown-1")
            assert (known is not None) is exists
            await asyncio.sleep(0.05)
            assert len(s.server.order_log) == int(exists)
            assert len(s.of(Fill)) == int(exists)

    patient.run(main())


def test_what_happens_while_the_link_is_down_is_told_when_it_is_back() -> None:
    async def main() -> None:
        async with simulation() as s:
            order = approved(s.venue, "rest-2", "59000", time_in_force=TimeInForce.GTC)
            await s.venue.submit(order)
            await until(lambda: len(s.of(OrderUpdate)) == 1)
            assert s.server.faults.drop_websockets() == 1
            s.market("58000", "58000.5")  # trades through the resting order before the link is back
            await until(lambda: [link.state for link in s.of(Link)][-2:] == [LinkState.DOWN, LinkState.UP])
            assert [fill.client_order_id for fill in s.of(Fill)] == ["rest-2"]
            assert s.of(OrderUpdate)[-1].status is OrderStatus.FILLED

    patient.run(main())


def test_a_deposit_is_told() -> None:
    async def main() -> None:
        async with simulation() as s:
            since = patient.Clock().now() - timedelta(minutes=5)
            s.exchange.deposit("client", XBT)
            await until(lambda: XBT in [flow.amount.units for flow in s.of(CashFlow)])
            flows = await s.venue.cash_flows(since)
            assert [(flow.kind, flow.amount.units) for flow in flows] == [
                (CashFlowKind.DEPOSIT, 10 * XBT),
                (CashFlowKind.DEPOSIT, XBT),
            ]

    patient.run(main())


def test_resting_orders_die_with_an_armed_link() -> None:
    async def main() -> None:
        async with simulation() as s:
            await s.venue.submit(approved(s.venue, "rest-3", "59000", time_in_force=TimeInForce.GTC))
            await s.venue.arm_dead_mans_switch(5_000)
            await s.venue.close()
            (order,) = s.exchange.orders("client")
            assert order.status.value == "new"
            await asyncio.sleep(5.2)
            (order,) = s.exchange.orders("client")
            assert order.status.value == "canceled"

    patient.run(main())


def test_a_position_with_margin_of_its_own_is_refused_except_by_an_emergency() -> None:
    async def main() -> None:
        async with simulation(connected=False) as s:
            s.exchange.set_leverage("client", SYMBOL, 1_000)
            with pytest.raises(Misconfigured, match="XBTUSD is on isolated margin"):
                await s.venue.connect([SYMBOL], s.events.append)
            emergency = BitmexVenue(replace(s.settings, cross_only=False), patient.Clock())
            await emergency.connect([SYMBOL], s.events.append)
            await emergency.close()
            s.exchange.set_leverage("client", SYMBOL, 0)
            await s.venue.connect([SYMBOL], s.events.append)

    patient.run(main())


def test_two_programs_share_one_accounts_limits_and_the_emergency_never_waits_for_the_bot() -> None:
    """As the bot and flatten do: the shares of ``bot.runtime.venues``, on the venue's 120 a minute and 10 a second."""

    async def main() -> None:
        async with simulation(connected=False) as s:
            brief: dict[str, Any] = {"question_wait": 0.05, "attempts": 1}
            bot = BitmexVenue(replace(s.settings, requests_per_minute=80, **brief), patient.Clock())
            all_of_it: dict[str, Any] = {"orders_per_second": 10, "kept_for_orders": 8, **brief}
            emergency = BitmexVenue(
                replace(s.settings, requests_per_minute=120, **all_of_it), patient.Clock()
            )
            try:
                await bot.connect([SYMBOL], s.events.append)
                resting: dict[str, Any] = {"time_in_force": TimeInForce.GTC}
                await bot.submit(approved(bot, "bots", "59000", **resting))
                answers = await asyncio.gather(*(bot.positions() for _ in range(100)), return_exceptions=True)
                refused = [answer for answer in answers if isinstance(answer, BaseException)]
                assert refused  # by its own budget, before the venue had to
                assert {str(error).rpartition("[")[2] for error in refused} == {"BUDGET]"}
                await emergency.connect([SYMBOL], s.events.append)
                for number in range(5):
                    await emergency.submit(approved(emergency, f"f{number}", "59000", **resting))
                await emergency.cancel(emergency.instrument(SYMBOL).id, "f0")
                assert len(await emergency.open_orders()) == 5
                # The bot hears from the venue's own count what the other has spent, and still can cancel.
                await bot.cancel(bot.instrument(SYMBOL).id, "bots")
                with pytest.raises(Unreachable, match="BUDGET"):
                    await bot.positions()
            finally:
                await bot.close()
                await emergency.close()

    patient.run(main())


def test_a_key_that_may_withdraw_is_refused() -> None:
    async def main() -> None:
        async with simulation(connected=False, permissions=(Permission.ORDER, Permission.WITHDRAW)) as s:
            with pytest.raises(Misconfigured, match="withdraw"):
                await s.venue.connect([SYMBOL], s.events.append)

    patient.run(main())


def test_a_key_that_only_cancels_serves_whom_that_is_enough_and_nobody_else() -> None:
    async def main() -> None:
        async with simulation(connected=False, permissions=(Permission.ORDER_CANCEL,)) as s:
            with pytest.raises(Misconfigured, match="may not order"):
                await s.venue.connect([SYMBOL], s.events.append)
            watchdog = BitmexVenue(replace(s.settings, cancels_only=True), patient.Clock())
            try:
                await watchdog.connect([SYMBOL], s.events.append)
                s.exchange.place("client", NewOrder(SYMBOL, Way.BUY, 100, 5_900_000, client_id="mine"))
                await watchdog.cancel(InstrumentId("bitmex", SYMBOL), "mine")
                assert await watchdog.open_orders() == []
                await watchdog.disarm_dead_mans_switch()
            finally:
                await watchdog.close()

    patient.run(main())
