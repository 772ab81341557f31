"""CME futures through Interactive Brokers: ``adapters.venue.Venue`` over TWS or IB Gateway.

The broker enforces neither unique client order ids nor reduce-only nor post-only, has no dead man's switch,
reports each commission apart from its fill, and tells no cash flows through this API. It remembers orders
and executions of its own day only. An execution id is told without its last part, the number of the
correction: a corrected execution comes again under the same id with other contents.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.clock import Clock
from adapters.clock_watch import ClockWatch
from adapters.errors import Misconfigured, Refused, Unreachable
from adapters.ibkr.account import TAGS, account_of, positions_of
from adapters.ibkr.blotter import Blotter
from adapters.ibkr.contracts import Contracts
from adapters.ibkr.desk import Desk
from adapters.ibkr.ear import Ear
from adapters.ibkr.farms import Farms
from adapters.ibkr.feed import Feed
from adapters.ibkr.indices import Indices
from adapters.ibkr.link import GatewayLink
from adapters.ibkr.settings import IbkrSettings
from adapters.ibkr.wire import Wire
from adapters.venue import Capabilities, HoursAnnounced, Sink, VenueEvent
from risk.approval import Approved
from risk.instruments import Instrument, InstrumentId
from risk.orders import Bust, CashFlow, CommissionReport, Fill, OrderRequest, OrderUpdate
from risk.portfolio import Account, MarginImpact, Position

_log = logging.getLogger(__name__)

_CAPABILITIES = Capabilities(
    unique_client_ids=False,
    dead_mans_switch=False,
    post_only=False,
    reduce_only=False,
    fee_with_fill=False,
    cash_flows=False,
    confirms_quotes=True,
    what_if=True,
)


class IbkrVenue:
    """One account at the broker, seen through one client id."""

    def __init__(self, settings: IbkrSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sink: Sink | None = None
        self._hours_kept: asyncio.Task[None] | None = None
        self._symbols: list[str] = []
        self._contracts = Contracts(settings)
        self._blotter = Blotter(settings, clock, self._contracts, self._tell)
        self._feed = Feed(self._contracts, clock, self._tell)
        self._farms = Farms()
        self._link = GatewayLink(
            settings, clock, self._new_wire, self._catch_up, self._lost, self._tell, self._stands, self._timed
        )
        self._clock_watch = ClockWatch(settings.name, clock, self._tell)
        self._desk = Desk(settings, clock, self._contracts, self._blotter, lambda: self._link.usable)
        self._indices = Indices(settings.name, settings.indices, clock, self._tell)
        self._ear = Ear(
            settings.name,
            self._blotter,
            self._feed,
            self._link,
            self._farms,
            self._indices,
            self._see_again,
        )

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    @property
    def complaints(self) -> list[str]:
        return [
            f"{symbol}: the broker sends this login delayed or frozen market data"
            for symbol in self._feed.not_live
        ]

    @property
    def rate_left(self) -> Decimal | None:
        wire = self._link.usable
        return None if wire is None else wire.rate_left

    @property
    def order_wait(self) -> float:
        wire = self._link.usable
        return 0.0 if wire is None else wire.order_wait

    # The link

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        """See ``Venue.connect``. A market without quotes (closed) holds it up for a moment only."""
        if self._sink is not None:
            raise Misconfigured(self.name, "connect", "connected already")
        self._contracts.check_known(symbols)
        self._symbols = list(symbols)
        self._sink = sink
        try:
            await self._link.start()
            await self._feed.first_quotes(self._settings.first_quote_timeout)
            self._hours_kept = asyncio.create_task(self._keep_hours())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        kept, self._hours_kept = self._hours_kept, None
        if kept is not None:
            kept.cancel()
            await asyncio.gather(kept, return_exceptions=True)
        await self._desk.close()
        await self._indices.close()
        await self._link.close()
        self._sink = None

    def _new_wire(self) -> Wire:
        return Wire(self._settings, self._ear)

    async def _catch_up(self, wire: Wire, subscribe: bool) -> None:
        for symbol in self._symbols:
            if self._contracts.listed(symbol) is None:
                await self._contracts.load(wire, symbol)
            else:
                await self._contracts.refresh_hours(wire, symbol)
        self._announce_hours()
        await self._desk.catch_up(wire)
        if subscribe:
            self._subscribe(wire)

    def _subscribe(self, wire: Wire) -> None:
        listed = [self._contracts.listed(symbol) for symbol in self._symbols]
        self._feed.subscribe(wire, [one for one in listed if one is not None])
        self._indices.ask(wire)

    def _announce_hours(self) -> None:
        for symbol in self._symbols:
            listed = self._contracts.listed(symbol)
            if listed is not None:
                self._tell(HoursAnnounced(listed.instrument.id, listed.hours))

    async def _keep_hours(self) -> None:
        while True:
            await asyncio.sleep(self._settings.hours_every)
            wire = self._link.usable
            if wire is None:
                continue  # asked again when it is back
            try:
                for symbol in self._symbols:
                    await self._contracts.refresh_hours(wire, symbol)
            except Unreachable as error:
                # What was announced stands as far as it goes; beyond that the session is unknown.
                _log.warning("%s: the trading hours were not told: %s", self.name, error)
            self._announce_hours()

    def _see_again(self) -> None:
        """A data farm is back: what it quoted meanwhile has to be asked for."""
        wire = self._link.usable
        if wire is not None:
            self._subscribe(wire)

    def _lost(self, reason: str) -> None:
        self._blotter.connection_lost(reason)
        self._feed.forget()
        self._indices.forget()
        self._farms.forget()
        self._clock_watch.forget()

    def _stands(self, at: datetime) -> None:
        """The gateway was alive and online at ``at``: what it has not changed stands, if its farms are up."""
        if self._farms.are_up:
            self._feed.confirm(at)

    def _timed(self, told: datetime, asked: datetime) -> None:
        self._clock_watch.heard(told, timedelta(seconds=1), asked)

    def _tell(self, event: VenueEvent) -> None:
        """Hand an event to the sink. Whatever the sink raises is its own error, loud but not the gateway's."""
        if self._sink is None:
            return
        try:
            self._sink(event)
        except Exception as error:  # noqa: BLE001 - ib_async's event loop would swallow it
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{self.name}: the sink failed on {event}", "exception": error}
            )

    # Contracts, orders

    def instrument(self, symbol: str) -> Instrument:
        listed = self._contracts.listed(symbol)
        if listed is None:
            raise Misconfigured(self.name, f"look up {symbol}", "not loaded")
        return listed.instrument

    async def submit(self, order: Approved) -> OrderUpdate:
        """See ``Venue.submit``. Reduce-only is not enforced here: the caller has looked at the position."""
        return await self._desk.submit(order.request)

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        """See ``Venue.cancel``. Raises Refused too for an order placed by another client id."""
        await self._desk.cancel(instrument, client_order_id)

    async def arm_dead_mans_switch(self, timeout_ms: int) -> None:
        """Raises Refused: the broker has none, a resting order outlives us."""
        raise Refused(self.name, f"arm a dead man's switch of {timeout_ms} ms", "the broker has none")

    async def disarm_dead_mans_switch(self) -> None:
        """Raises Refused: the broker has none."""
        raise Refused(self.name, "disarm a dead man's switch", "the broker has none")

    async def cancel_all(self) -> None:
        """See ``Venue.cancel_all``: it reaches orders of other client ids, and those made by hand."""
        attempted = "cancel every order of the account"
        try:
            self._wire(attempted).cancel_all()
        except ConnectionError as error:
            raise Unreachable(self.name, attempted, str(error)) from error

    # Questions

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        """See ``Venue.order``. What ended before the broker's day began is not remembered there: None."""
        return await self._desk.order(instrument, client_order_id)

    async def open_orders(self) -> list[OrderUpdate]:
        return await self._desk.open_orders()

    async def fills(self, since: datetime) -> list[Fill]:
        """See ``Venue.fills``. The broker lists those of its own day; ours of earlier days are added."""
        return await self._desk.fills(since)

    async def busts(self, since: datetime) -> list[Bust]:
        return await self._desk.busts(since)

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        return await self._desk.commissions(since)

    async def positions(self) -> list[Position]:
        """Return the account's futures, whoever opened them."""
        rows = await self._wire("ask for positions").positions()
        return positions_of(self._settings, self._contracts, rows, self._clock.now())

    async def account(self) -> Account:
        values = await self._wire("ask for the account").account_summary(TAGS)
        return account_of(self._settings, values, self._clock.now())

    async def what_if(self, request: OrderRequest) -> MarginImpact | None:
        return await self._desk.what_if(request)

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        return []

    def _wire(self, attempted: str) -> Wire:
        wire = self._link.usable
        if wire is None:
            raise Unreachable(self.name, attempted, "not connected")
        return wire
