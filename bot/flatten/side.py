"""One venue while flattening: what it says it holds, and the orders it has not said the last word on."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import HoursAnnounced, Venue, VenueEvent
from bot.flatten.voice import Voice
from bot.flatten.ways import Way
from risk.approval import Approved
from risk.instruments import Instrument, InstrumentId
from risk.orders import OrderRequest, OrderUpdate, Side
from risk.portfolio import Quote
from risk.sessions import Session, TradingHours
from risk.terms import Kind

# A venue may tell a fill before its positions show it; after this many seconds its positions are believed.
CATCH_UP = 3.0


@dataclass(slots=True)
class Pending:
    """An order the venue has not said the last word on.

    ``price``: what its fills count at, USD per XBT. ``held``: the position it was sent against; None for an order
    of an earlier run. ``absent_since``: since when the venue answers that it has no such order; ``positions``: what
    it has shown since then. ``order``: what may be sent again, ``again_at`` (monotonic seconds) or later, and
    ``again`` how often that was done.
    """

    request: OrderRequest
    price: Decimal
    held: int | None
    absent_since: datetime | None = None
    positions: list[int] = field(default_factory=list)
    order: Approved | None = None
    again_at: float = 0.0
    again: int = 0


class VenueSide:
    """``contracts``: None while the venue does not say; ``told``: what it last said, and when. ``goal``: the contracts
    that shall stay. ``trouble``: empty while it answers.

    ``price``: the last one seen, USD per XBT: to size by, not to trade at. ``hours``: as announced. ``failures``:
    orders in a row that filled nothing; ``refusals``: that the venue did not take, ``way`` the next one to try and
    ``refused`` its last words. ``rest_until``: no order before it (monotonic seconds).
    """

    def __init__(self, venue: Venue, instrument_id: InstrumentId, clock: Clock, voice: Voice) -> None:
        self.venue = venue
        self.instrument_id = instrument_id
        self.instrument: Instrument | None = None
        self.quote: Quote | None = None
        self.price: Decimal | None = None
        self.hours: TradingHours | None = None
        self.contracts: int | None = None
        self.told: tuple[int, datetime] | None = None
        self.goal = 0
        self.orders: list[OrderUpdate] = []
        self.pending: dict[str, Pending] = {}
        self.trouble = ""
        self.failures = 0
        self.refusals = 0
        self.refused = ""
        self.way = Way.PLANNED
        self.rest_until = float("-inf")
        self._clock = clock
        self._voice = voice
        self._disarmed = False
        self._expected: int | None = None
        self._expected_until = 0.0

    def hear(self, event: VenueEvent) -> None:
        if isinstance(event, Quote) and event.instrument == self.instrument_id:
            self.quote = event
            level = event.bid or event.ask
            if level is not None:
                self.price = event.mid or level.price
        elif isinstance(event, HoursAnnounced) and event.instrument == self.instrument_id:
            self.hours = event.hours

    @property
    def excess(self) -> int | None:
        """What is to be closed, signed; None while the venue does not say."""
        return None if self.contracts is None else self.contracts - self.goal

    @property
    def is_closed(self) -> bool:
        """Say whether the market is known not to trade now: it would hold an order, and fill it at the open."""
        return self.hours is not None and self.hours.session(self._clock.now()) is Session.CLOSED

    @property
    def opens(self) -> datetime | None:
        return None if self.hours is None else self.hours.opens(self._clock.now())

    @property
    def current(self) -> Quote | None:
        """The quote to trade on; None for one that was made before the market closed, or in no market at all."""
        if self.quote is None or self.is_closed:
            return None
        old = self.hours is not None and self.hours.session(self.quote.at) is Session.CLOSED
        return None if old else self.quote

    @property
    def own_orders(self) -> list[OrderUpdate]:
        """The resting orders in this contract, whoever sent them."""
        return [order for order in self.orders if order.instrument == self.instrument_id]

    @property
    def stops(self) -> list[OrderUpdate]:
        """Those that protect what is still held: they go last."""
        return [order for order in self.own_orders if order.is_protective]

    @property
    def working(self) -> list[OrderUpdate]:
        return [order for order in self.own_orders if not order.is_protective]

    @property
    def live(self) -> list[str]:
        """The orders that may still fill, by name, protective stops apart."""
        resting = [name_of(order) for order in self.working]
        return resting + [name for name in self.pending if name not in resting]

    @property
    def is_catching_up(self) -> bool:
        """Say whether the venue's positions do not show a fill of ours yet."""
        return self._expected is not None and self.contracts != self._expected

    @property
    def is_there(self) -> bool:
        """Say whether nothing is left to close, and nothing at work that could change that."""
        return self.excess == 0 and not self.live and not self.is_catching_up

    @property
    def is_flat(self) -> bool:
        return self.is_there and not self.stops

    def xbt(self, contracts: int) -> Decimal | None:
        """Return their Δ in XBT, signed: of an inverse contract at the last price seen, None without one."""
        if not contracts:
            return Decimal(0)
        if self.instrument is None:
            return None
        if self.instrument.terms.kind is Kind.LINEAR:
            return contracts * self.instrument.terms.multiplier
        return None if self.price is None else self.instrument.xbt(contracts, self.price)

    async def connect(self) -> None:
        try:
            await self.venue.connect([self.instrument_id.symbol], self.hear)
            self.instrument = self.venue.instrument(self.instrument_id.symbol)
            self.trouble = ""
        except VenueError as error:
            self.complain(error)

    async def look(self) -> None:
        """Ask the venue what it holds. Without an answer its position is unknown, never zero.

        Orders first: one that fills in between is then counted twice, as an order and in the position, and the
        next order is too small; the other way round it would be too large.
        """
        self.contracts = None
        if self.instrument is None:
            return
        try:
            self.orders = await self.venue.open_orders()
            positions = await self.venue.positions()
        except VenueError as error:
            self.complain(error)
            return
        self.trouble = ""
        self.contracts = sum(
            position.contracts for position in positions if position.instrument == self.instrument_id
        )
        self.told = self.contracts, self._clock.now()
        if self.contracts == self._expected or self._clock.monotonic() >= self._expected_until:
            self._expected = None
        for pending in self.pending.values():
            if pending.absent_since is not None:
                pending.positions.append(self.contracts)

    async def cancel(self) -> None:
        """Ask for the cancel of every order that may still fill, protective stops apart."""
        await self.ask_cancel(self.working)

    async def cancel_stops(self) -> None:
        await self.ask_cancel(self.stops)

    async def keep_stops(self) -> None:
        """Disarm the dead man's switch: when a dying bot lets it fire, it would take the stops too."""
        if self.stops and not self._disarmed:
            self._disarmed = await self.disarm()

    async def disarm(self) -> bool:
        """Disarm the dead man's switch, where there is one; say whether none is armed any more."""
        if not self.venue.capabilities.dead_mans_switch:
            return True
        try:
            await self.venue.disarm_dead_mans_switch()
        except VenueError as error:
            self._voice.once(f"{error}: the dead man's switch may still take the protective stops")
            return False
        return True

    async def cancel_all(self) -> None:
        """Ask for the cancel of every order of the account, in whatever it trades."""
        if not self.orders:
            return
        try:
            await self.venue.cancel_all()
        except VenueError as error:
            self._voice.once(str(error))

    async def ask_cancel(self, orders: list[OrderUpdate]) -> None:
        """Ask for the cancel of ``orders``. What became of them, the next look tells."""
        for order in orders:
            if order.client_order_id is None:
                self._voice.once(
                    f"{self.venue.name}: order {order.venue_order_id} carries no id to cancel it by: "
                    "do it by hand, or flatten --everything"
                )
                continue
            try:
                await self.venue.cancel(self.instrument_id, order.client_order_id)
            except VenueError as error:
                self._voice.once(str(error))

    def expect(self, contracts: int) -> None:
        """Take a fill into account before the venue's positions show it."""
        self.contracts = self._expected = contracts
        self._expected_until = self._clock.monotonic() + CATCH_UP

    def room(self, side: Side) -> int:
        """Return how many contracts an order of ``side`` may close, beside those that resting orders may."""
        excess = self.excess
        if excess is None or excess * side.sign >= 0:
            return 0
        resting = sum(order.leaves for order in self.working if order.side is side)
        return max(0, abs(excess) - resting)

    def complain(self, error: VenueError) -> None:
        if str(error) != self.trouble:
            self._voice(f"{error}; trying again")
        self.trouble = str(error)


def name_of(order: OrderUpdate) -> str:
    return order.client_order_id or order.venue_order_id
