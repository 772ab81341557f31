"""The emergency command: get flat, in a process of its own, whatever the bot is doing.

Latch (no other process of this instance sends any more) → cancel → reduce in pairs matched in XBT at the current
price, with marketable limits that widen → verify from the venues → report, with the exposure that remains.
Imports no engine and touches no ledger: a hung bot may hold it. Its own journal is adopted later.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import Venue, VenueEvent
from bot.model.events import FlattenOrdered, OrderIntended
from bot.model.flatten_journal import FlattenJournal
from bot.model.ids import FLATTEN_PREFIX
from risk.approval import Denied, Envelope, Purpose, Usage, authorize, envelope_quantity
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency
from risk.orders import OrderRequest, OrderUpdate, Side
from risk.portfolio import Account, Quote
from risk.sizing import paired_reduction
from risk.terms import Rounding

Say = Callable[[str], None]

# How far through the touch a limit goes, as a fraction of price: round by round, then the last again and again.
WIDENING = (Decimal("0.001"), Decimal("0.0025"), Decimal("0.005"), Decimal("0.01"), Decimal("0.02"))
BAND = Decimal("0.2")
# One round takes at most this off: a fill on one side must not outrun the other by more.
CLIP_XBT = Decimal(1)
PAUSE = 0.3
SETTLE_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """``flat``: both venues said so, twice. ``remaining_xbt``: Δ of what is left, wallet included."""

    flat: bool
    positions: dict[InstrumentId, int]
    unanswered: tuple[str, ...]
    foreign_orders: tuple[str, ...]
    orders_sent: int
    wallet_xbt: Decimal | None
    remaining_xbt: Decimal | None
    seconds: float


@dataclass(slots=True)
class _Side:
    """One venue while flattening. ``trouble`` is empty while it answers."""

    venue: Venue
    instrument_id: InstrumentId
    instrument: Instrument | None = None
    quote: Quote | None = None
    contracts: int | None = None
    account: Account | None = None
    open_orders: list[OrderUpdate] = field(default_factory=list)
    trouble: str = ""
    failures: int = 0

    def hear(self, event: VenueEvent) -> None:
        if isinstance(event, Quote) and event.instrument == self.instrument_id:
            self.quote = event


class Flatten:
    """One run of the command. ``by``: who typed it; the typed command is the approval of all it sends."""

    def __init__(
        self,
        inverse: Venue,
        inverse_id: InstrumentId,
        linear: Venue,
        linear_id: InstrumentId,
        clock: Clock,
        journal: FlattenJournal,
        flatten_id: str,
        by: str,
        say: Say,
    ) -> None:
        self._inverse = _Side(inverse, inverse_id)
        self._linear = _Side(linear, linear_id)
        self._clock = clock
        self._journal = journal
        self._id = flatten_id
        self._by = by
        self._say = say
        self._sent = 0

    @property
    def _sides(self) -> tuple[_Side, _Side]:
        return self._inverse, self._linear

    async def plan(self) -> Mapping[InstrumentId, int | None]:
        """Connect and say what would be closed; None where a venue does not answer."""
        await asyncio.gather(*(self._connect(side) for side in self._sides))
        await self._look()
        return {side.instrument_id: side.contracts for side in self._sides}

    async def run(self, limit: timedelta) -> Outcome:
        """Reduce until both venues say flat, or ``limit`` has passed. Call ``plan`` first."""
        started = self._clock.now()
        names = tuple(side.venue.name for side in self._sides)
        self._journal.write(FlattenOrdered(self._id, self._by, names), started)
        confirmed = 0
        while self._clock.now() - started < limit:
            for side in self._sides:
                if side.instrument is None:
                    await self._connect(side)
            await self._look()
            if self._is_flat():
                confirmed += 1
                if confirmed == 2:
                    break
                await asyncio.sleep(PAUSE)
                continue
            confirmed = 0
            await self._cancel()
            await self._reduce()
            await asyncio.sleep(PAUSE)
        seconds = (self._clock.now() - started).total_seconds()
        await self._wallet()
        return self._outcome(confirmed == 2, seconds)

    async def close(self) -> None:
        await asyncio.gather(*(side.venue.close() for side in self._sides), return_exceptions=True)

    async def _connect(self, side: _Side) -> None:
        try:
            await side.venue.connect([side.instrument_id.symbol], side.hear)
            side.instrument = side.venue.instrument(side.instrument_id.symbol)
            side.trouble = ""
        except VenueError as error:
            self._complain(side, error)

    def _complain(self, side: _Side, error: VenueError) -> None:
        if str(error) != side.trouble:
            self._say(f"{error}; trying again")
        side.trouble = str(error)

    async def _look(self) -> None:
        await asyncio.gather(*(self._look_at(side) for side in self._sides))

    async def _look_at(self, side: _Side) -> None:
        """Ask a venue what it holds. Without an answer its position is unknown, never zero."""
        side.contracts = None
        if side.instrument is None:
            return
        try:
            positions, side.open_orders = await asyncio.gather(
                side.venue.positions(), side.venue.open_orders()
            )
        except VenueError as error:
            self._complain(side, error)
            return
        side.trouble = ""
        side.contracts = sum(
            position.contracts for position in positions if position.instrument == side.instrument_id
        )

    async def _wallet(self) -> None:
        try:
            self._inverse.account = await self._inverse.venue.account()
        except VenueError as error:
            self._complain(self._inverse, error)

    def _is_flat(self) -> bool:
        return all(side.contracts == 0 and not self._own_orders(side) for side in self._sides)

    def _own_orders(self, side: _Side) -> list[OrderUpdate]:
        return [order for order in side.open_orders if order.instrument == side.instrument_id]

    async def _cancel(self) -> None:
        for side in self._sides:
            for order in self._own_orders(side):
                if order.client_order_id is None:
                    continue
                try:
                    await side.venue.cancel(side.instrument_id, order.client_order_id)
                except VenueError as error:
                    self._complain(side, error)

    async def _reduce(self) -> None:
        inverse, linear = self._inverse, self._linear
        wanted: dict[InstrumentId, int] = {}
        price = None if inverse.quote is None else inverse.quote.mid
        if (
            price is not None
            and inverse.instrument is not None
            and linear.instrument is not None
            and inverse.contracts is not None
            and linear.contracts is not None
            and inverse.contracts * linear.contracts < 0
        ):
            pair = paired_reduction(
                inverse.instrument, inverse.contracts, linear.instrument, linear.contracts, CLIP_XBT, price
            )
            wanted = {inverse.instrument_id: pair.inverse, linear.instrument_id: pair.linear}
        if not any(wanted.values()):
            # Nothing to pair: each side's rest has no partner of a tradable size (or its venue is silent).
            wanted = {side.instrument_id: -(side.contracts or 0) for side in self._sides}
        await asyncio.gather(*(self._send(side, wanted.get(side.instrument_id, 0)) for side in self._sides))

    async def _send(self, side: _Side, signed: int) -> None:
        order_side = Side.BUY if signed > 0 else Side.SELL
        level = None if side.quote is None else side.quote.take(order_side)
        if not signed or side.instrument is None or side.contracts is None:
            return
        if level is None:
            self._say(f"{side.instrument_id}: no quote to trade against; waiting")
            return
        terms = side.instrument.terms
        widening = WIDENING[min(side.failures, len(WIDENING) - 1)]
        rounding = Rounding.UP if order_side is Side.BUY else Rounding.DOWN
        price = terms.to_tick(level.price * (1 + order_side.sign * widening), rounding)
        self._sent += 1
        request = OrderRequest(
            client_order_id=f"{FLATTEN_PREFIX}-{self._id}-{self._sent:03d}",
            instrument=side.instrument_id,
            side=order_side,
            quantity=abs(signed),
            price=price,
            reduce_only=True,
        )
        now = self._clock.now()
        envelope = Envelope(
            approval_id=self._id,
            instrument=side.instrument_id,
            side=order_side,
            reduce_only=True,
            quantity=envelope_quantity(side.instrument, abs(side.contracts), price),
            price_low=level.price * (1 - BAND),
            price_high=level.price * (1 + BAND),
            execute_by=now + timedelta(minutes=1),
            approved_by=self._by,
            approved_at=now,
            purposes=(Purpose.FLATTEN,),
        )
        order = authorize(request, Purpose.FLATTEN, envelope, side.instrument, Usage(), now)
        if isinstance(order, Denied):
            side.failures += 1
            self._say(f"{request.client_order_id} not sent: {order}")
            return
        self._journal.write(OrderIntended(request, Purpose.FLATTEN, self._id, None), now)
        self._say(f"{order_side} {request.quantity} {side.instrument_id} at {price} or better")
        try:
            update = await side.venue.submit(order)
        except VenueError as error:
            # Refused or unknown: the next look at the venue's own positions says what became of it.
            side.failures += 1
            self._say(str(error))
            await self._until_settled(side, request.client_order_id)
            return
        if not update.status.is_final:
            await self._until_settled(side, request.client_order_id)
        # Positions are looked at again before the next order: what filled is not counted twice.
        side.failures = 0 if update.filled else side.failures + 1

    async def _until_settled(self, side: _Side, client_order_id: str) -> None:
        """Wait until the venue says the order is final or unknown to it: never two orders for one position."""
        deadline = self._clock.monotonic() + SETTLE_WITHIN
        absent = 0
        while self._clock.monotonic() < deadline:
            try:
                update = await side.venue.order(side.instrument_id, client_order_id)
            except VenueError as error:
                self._complain(side, error)
            else:
                if update is not None and update.status.is_final:
                    return
                absent = absent + 1 if update is None else 0
                if absent == 3:
                    return
            await asyncio.sleep(PAUSE)

    def _outcome(self, flat: bool, seconds: float) -> Outcome:
        account = self._inverse.account
        wallet = None if account is None or account.currency is not Currency.XBT else account.equity.amount
        remaining = wallet
        for side in self._sides:
            if side.contracts is None or side.instrument is None:
                remaining = None
            elif side.contracts and remaining is not None:
                mid = None if side.quote is None else side.quote.mid
                remaining = None if mid is None else remaining + side.instrument.xbt(side.contracts, mid)
        return Outcome(
            flat=flat,
            positions={
                side.instrument_id: side.contracts for side in self._sides if side.contracts is not None
            },
            unanswered=tuple(side.trouble for side in self._sides if side.contracts is None),
            foreign_orders=tuple(
                f"{order.instrument} {order.client_order_id or order.venue_order_id}"
                for side in self._sides
                for order in side.open_orders
                if order.instrument != side.instrument_id
            ),
            orders_sent=self._sent,
            wallet_xbt=wallet,
            remaining_xbt=remaining,
            seconds=seconds,
        )
