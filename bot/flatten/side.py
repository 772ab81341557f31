"""One venue while flattening: what it says it holds, and the orders it has not said the last word on."""

from collections.abc import Sequence
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


@dataclass(slots=True)
class _Month:
    """What is known of one contract of a side. ``contracts``: None while its venue does not say."""

    instrument: Instrument | None = None
    quote: Quote | None = None
    price: Decimal | None = None
    hours: TradingHours | None = None
    contracts: int | None = None
    goal: int = 0

    @property
    def excess(self) -> int | None:
        return None if self.contracts is None else self.contracts - self.goal


class VenueSide:
    """One contract at a time: ``later`` are the other months the leg may have been rolled into. Once nothing is left to
    do in ``instrument_id``, that becomes the first of them in which something is.

    ``contracts``: None while the venue does not say; ``told``: what it last said, and when. ``goal``: the contracts
    that shall stay. ``trouble``: empty while it answers.

    ``price``: the last one seen, USD per XBT: to size by, not to trade at. ``hours``: as announced. ``failures``:
    orders in a row that filled nothing; ``refusals``: that the venue did not take, ``way`` the next one to try and
    ``refused`` its last words. ``rest_until``: no order before it (monotonic seconds).
    """

    def __init__(
        self,
        venue: Venue,
        instrument_id: InstrumentId,
        clock: Clock,
        voice: Voice,
        later: Sequence[InstrumentId] = (),
    ) -> None:
        self.venue = venue
        self.instrument_id = instrument_id
        self._months = {key: _Month() for key in (instrument_id, *later)}
        self._attempts = 0
        self.told: tuple[int, datetime] | None = None
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
        if isinstance(event, Quote) and (month := self._months.get(event.instrument)) is not None:
            month.quote = event
            level = event.bid or event.ask
            if level is not None:
                month.price = event.mid or level.price
        elif isinstance(event, HoursAnnounced) and (month := self._months.get(event.instrument)) is not None:
            month.hours = event.hours

    @property
    def _now(self) -> _Month:
        return self._months[self.instrument_id]

    @property
    def instrument(self) -> Instrument | None:
        return self._now.instrument

    @property
    def quote(self) -> Quote | None:
        return self._now.quote

    @property
    def price(self) -> Decimal | None:
        return self._now.price

    @property
    def hours(self) -> TradingHours | None:
        return self._now.hours

    @property
    def contracts(self) -> int | None:
        return self._now.contracts

    @property
    def goal(self) -> int:
        return self._now.goal

    @goal.setter
    def goal(self, contracts: int) -> None:
        self._now.goal = contracts

    @property
    def instrument_ids(self) -> tuple[InstrumentId, ...]:
        return tuple(self._months)

    @property
    def elsewhere(self) -> dict[InstrumentId, int | None]:
        """The contracts held in the other months, None while the venue does not say."""
        return {key: month.contracts for key, month in self._months.items() if key != self.instrument_id}

    def goal_of(self, key: InstrumentId) -> int:
        """Return the contracts that shall stay in one of its months."""
        return self._months[key].goal

    @property
    def kept_elsewhere(self) -> Decimal | None:
        """XBT, signed, that shall stay in the other months; None where that cannot be valued now."""
        total = Decimal(0)
        for key, month in self._months.items():
            kept = Decimal(0) if key == self.instrument_id else self.xbt(month.goal, key)
            if kept is None:
                return None
            total += kept
        return total

    @property
    def excess(self) -> int | None:
        """What is to be closed, signed; None while the venue does not say."""
        return self._now.excess

    @property
    def is_between(self) -> bool:
        """Say whether this month is done and another one is not, but not turned to yet."""
        return self.excess == 0 and any(month.excess for month in self._months.values())

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
        """The resting orders in its contracts, whoever sent them."""
        return [order for order in self.orders if order.instrument in self._months]

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
        # Of a month that could not be connected to, nothing is known: a person is told.
        return self.excess == 0 and not self.is_between and not self.live and not self.is_catching_up

    @property
    def is_flat(self) -> bool:
        return self.is_there and not self.stops

    def xbt(self, contracts: int, key: InstrumentId | None = None) -> Decimal | None:
        """Return the Δ in XBT, signed, of contracts of ``key`` (None: the one at work): of an inverse contract at the
        last price seen, None without one."""
        month = self._months[key or self.instrument_id]
        if not contracts:
            return Decimal(0)
        if month.instrument is None:
            return None
        if month.instrument.terms.kind is Kind.LINEAR:
            return contracts * month.instrument.terms.multiplier
        return None if month.price is None else month.instrument.xbt(contracts, month.price)

    async def connect(self) -> None:
        """Connect for every month; where that fails, next time for one alone: a month that has ended, or is wrong in
        the profile, must not keep the others from being closed."""
        keys = self.instrument_ids
        tries = [keys, *((key,) for key in keys)] if len(keys) > 1 else [keys]
        wanted = tries[self._attempts % len(tries)]
        self._attempts += 1
        try:
            await self.venue.connect([key.symbol for key in wanted], self.hear)
            for key in wanted:
                self._months[key].instrument = self.venue.instrument(key.symbol)
            self.trouble = ""
        except VenueError as error:
            self.complain(error)
            return
        self.instrument_id = wanted[0]
        for key in keys:
            if key not in wanted:
                self._voice(
                    f"{key} CANNOT BE LOOKED AT: only {wanted[0]} is closed here; look there, by hand"
                )

    async def look(self) -> None:
        """Ask the venue what it holds. Without an answer its position is unknown, never zero.

        Orders first: one that fills in between is then counted twice, as an order and in the position, and the
        next order is too small; the other way round it would be too large.
        """
        for month in self._months.values():
            month.contracts = None
        if self.instrument is None:
            return
        try:
            self.orders = await self.venue.open_orders()
            positions = await self.venue.positions()
        except VenueError as error:
            self.complain(error)
            return
        self.trouble = ""
        for key, month in self._months.items():
            month.contracts = sum(one.contracts for one in positions if one.instrument == key)
        self._turn()
        self.told = self.contracts or 0, self._clock.now()
        if self.contracts == self._expected or self._clock.monotonic() >= self._expected_until:
            self._expected = None
        for pending in self.pending.values():
            if pending.absent_since is not None:
                pending.positions.append(self._months[pending.request.instrument].contracts or 0)

    def _turn(self) -> None:
        """Go on to another month once nothing is left to do in this one."""
        if self.excess or self.pending or self.is_catching_up:
            return
        for key, month in self._months.items():
            if month.excess and month.instrument is not None:
                self.instrument_id = key
                self.failures = self.refusals = 0
                self.way, self.rest_until, self._expected = Way.PLANNED, float("-inf"), None
                return

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
                await self.venue.cancel(order.instrument, order.client_order_id)
            except VenueError as error:
                self._voice.once(str(error))

    def expect(self, contracts: int) -> None:
        """Take a fill into account before the venue's positions show it."""
        self._now.contracts = self._expected = contracts
        self._expected_until = self._clock.monotonic() + CATCH_UP

    def room(self, side: Side) -> int:
        """Return how many contracts an order of ``side`` may close, beside those that resting orders may."""
        excess = self.excess
        if excess is None or excess * side.sign >= 0:
            return 0
        resting = sum(
            order.leaves
            for order in self.working
            if order.side is side and order.instrument == self.instrument_id
        )
        return max(0, abs(excess) - resting)

    def complain(self, error: VenueError) -> None:
        if str(error) != self.trouble:
            self._voice(f"{error}; trying again")
        self.trouble = str(error)


def name_of(order: OrderUpdate) -> str:
    return order.client_order_id or order.venue_order_id
