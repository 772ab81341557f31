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
from adapters.errors import NotSent, Refused, VenueError
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
    pending: str = ""
    """The order the venue has not said the last word on."""

    def hear(self, event: VenueEvent) -> None:
        if isinstance(event, Quote) and event.instrument == self.instrument_id:
            self.quote = event


class Flatten:
    """One run of the command. ``by``: who typed it; the typed command is the approval of all it sends.

    ``strip_hedge``: close each leg by itself, although the other may be closed or silent.
    """

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
        *,
        strip_hedge: bool = False,
    ) -> None:
        self._inverse = _Side(inverse, inverse_id)
        self._linear = _Side(linear, linear_id)
        self._clock = clock
        self._journal = journal
        self._id = flatten_id
        self._by = by
        self._say = say
        self._sent = 0
        self._said: set[str] = set()
        self._strip = strip_hedge

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
        """Take one clip off both legs; where that cannot be, leave one leg alone rather than the other naked."""
        inverse, linear = self._inverse, self._linear
        if self._strip:
            await asyncio.gather(*(self._send(side, -(side.contracts or 0)) for side in self._sides))
            return
        if inverse.contracts is None or linear.contracts is None:
            silent = inverse if inverse.contracts is None else linear
            self._say_once(
                f"{silent.venue.name} does not say what it holds: the other leg stays, for it may be its hedge "
                "(--strip-hedge closes it alone)"
            )
            return
        price = None if inverse.quote is None else inverse.quote.mid
        if inverse.contracts * linear.contracts < 0:
            if price is None or inverse.instrument is None or linear.instrument is None:
                self._say_once(f"{inverse.instrument_id}: no price to match the legs by; waiting")
                return
            pair = paired_reduction(
                inverse.instrument, inverse.contracts, linear.instrument, linear.contracts, CLIP_XBT, price
            )
            if pair.linear:
                # The leg that may be closed goes first: if it cannot trade, the other keeps hedging it.
                filled = await self._send(linear, pair.linear)
                matched = inverse.instrument.contracts_for(linear.instrument.xbt(filled, price), price)
                matched = min(matched, abs(inverse.contracts))
                await self._send(inverse, matched if pair.inverse > 0 else -matched)
                return
        # Nothing to pair: what each side holds has no partner of a tradable size.
        await asyncio.gather(*(self._send(side, -(side.contracts or 0)) for side in self._sides))

    async def _send(self, side: _Side, signed: int) -> int:
        """Send one order for ``signed`` contracts; return how many filled, as far as the venue has said."""
        if side.pending:
            await self._until_settled(side)
        if side.pending:
            self._say_once(
                f"{side.venue.name} does not say what became of {side.pending}: no order beside it"
            )
            return 0
        order_side = Side.BUY if signed > 0 else Side.SELL
        level = None if side.quote is None else side.quote.take(order_side)
        if not signed or side.instrument is None or side.contracts is None:
            return 0
        if level is None:
            self._say_once(f"{side.instrument_id}: no quote to trade against; waiting")
            return 0
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
            return 0
        self._journal.write(OrderIntended(request, Purpose.FLATTEN, self._id, None), now)
        self._say(f"{order_side} {request.quantity} {side.instrument_id} at {price} or better")
        side.pending = request.client_order_id
        filled = 0
        try:
            update = await side.venue.submit(order)
        except (Refused, NotSent) as error:
            side.pending = ""
            self._say(str(error))
        except VenueError as error:
            self._say(str(error))
            filled = await self._until_settled(side)
        else:
            if update.status.is_final:
                side.pending, filled = "", update.filled
            else:
                filled = await self._until_settled(side)
        # Positions are looked at again before the next order: what filled is not counted twice.
        side.failures = 0 if filled else side.failures + 1
        return filled

    async def _until_settled(self, side: _Side) -> int:
        """Wait until the venue says the pending order is final, or has none of that id; return what filled.

        Without an answer in time it stays pending: never two orders for one position.
        """
        deadline = self._clock.monotonic() + SETTLE_WITHIN
        absent = 0
        while self._clock.monotonic() < deadline:
            try:
                update = await side.venue.order(side.instrument_id, side.pending)
            except VenueError as error:
                self._complain(side, error)
            else:
                absent = absent + 1 if update is None else 0
                if absent == 3 or (update is not None and update.status.is_final):
                    side.pending = ""
                    return 0 if update is None else update.filled
            await asyncio.sleep(PAUSE)
        return 0

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)

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
