"""One venue while flattening: what it says it holds, and the orders it has not said the last word on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import Venue, VenueEvent
from risk.instruments import Instrument, InstrumentId
from risk.orders import OrderRequest, OrderUpdate, Side
from risk.portfolio import Quote

# A venue may tell a fill before its positions show it; after this many seconds its positions are believed.
CATCH_UP = 3.0


class Voice:
    """What a person hears meanwhile."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def __call__(self, text: str) -> None:
        self._say(text)

    def once(self, text: str) -> None:
        """Say what would otherwise be repeated round after round."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)


@dataclass(slots=True)
class Pending:
    """An order the venue has not said the last word on.

    ``price``: what its fills count at, USD per XBT. ``held``: the position it was sent against; None for an order
    of an earlier run. ``absent_since``: since when the venue answers that it has no such order; ``positions``: what
    it has shown since then.
    """

    request: OrderRequest
    price: Decimal
    held: int | None
    absent_since: datetime | None = None
    positions: list[int] = field(default_factory=list)


class VenueSide:
    """``contracts``: None while the venue does not say. ``trouble``: empty while it answers.

    ``price``: the last one seen, USD per XBT: to size by, not to trade at. ``failures``: orders in a row that
    filled nothing. ``rest_until``: no order before it (monotonic seconds).
    """

    def __init__(self, venue: Venue, instrument_id: InstrumentId, clock: Clock, voice: Voice) -> None:
        self.venue = venue
        self.instrument_id = instrument_id
        self.instrument: Instrument | None = None
        self.quote: Quote | None = None
        self.price: Decimal | None = None
        self.contracts: int | None = None
        self.orders: list[OrderUpdate] = []
        self.pending: dict[str, Pending] = {}
        self.trouble = ""
        self.failures = 0
        self.rest_until = float("-inf")
        self._clock = clock
        self._voice = voice
        self._expected: int | None = None
        self._expected_until = 0.0

    def hear(self, event: VenueEvent) -> None:
        if isinstance(event, Quote) and event.instrument == self.instrument_id:
            self.quote = event
            level = event.bid or event.ask
            if level is not None:
                self.price = event.mid or level.price

    @property
    def own_orders(self) -> list[OrderUpdate]:
        """The resting orders in this contract, whoever sent them."""
        return [order for order in self.orders if order.instrument == self.instrument_id]

    @property
    def live(self) -> list[str]:
        """The orders that may still fill, by name."""
        resting = [order.client_order_id or order.venue_order_id for order in self.own_orders]
        return resting + [name for name in self.pending if name not in resting]

    @property
    def is_catching_up(self) -> bool:
        """Say whether the venue's positions do not show a fill of ours yet."""
        return self._expected is not None and self.contracts != self._expected

    @property
    def is_flat(self) -> bool:
        return self.contracts == 0 and not self.live and not self.is_catching_up

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
        if self.contracts == self._expected or self._clock.monotonic() >= self._expected_until:
            self._expected = None
        for pending in self.pending.values():
            if pending.absent_since is not None:
                pending.positions.append(self.contracts)

    async def cancel(self) -> None:
        """Ask for the cancel of every order that may still fill."""
        for order in self.own_orders:
            if order.client_order_id is None:
                self._voice.once(
                    f"{self.venue.name}: order {order.venue_order_id} carries no id to cancel it by: do it by hand"
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
        if self.contracts is None or self.contracts * side.sign >= 0:
            return 0
        resting = sum(order.leaves for order in self.own_orders if order.side is side)
        return max(0, abs(self.contracts) - resting)

    def complain(self, error: VenueError) -> None:
        if str(error) != self.trouble:
            self._voice(f"{error}; trying again")
        self.trouble = str(error)
