"""The emergency command's orders: written down, sent once, and asked about until their end is known."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.clock import Clock
from adapters.errors import NotSent, Refused, Throttled, VenueError
from bot.flatten.side import Pending, VenueSide
from bot.flatten.voice import Voice, clock
from bot.flatten.ways import Way, after, smaller, ways
from bot.model.events import OrderIntended
from bot.model.flatten_journal import Entry, FlattenJournal, line_of
from bot.model.ids import FLATTEN_PREFIX
from risk.approval import Approved, Denied, Envelope, Purpose, Usage, authorize, envelope_quantity
from risk.instruments import Instrument
from risk.orders import OrderRequest, Side
from risk.portfolio import Level
from risk.terms import Rounding

# How far through the touch a limit goes, as a fraction of price: failure by failure, then the last again and again.
WIDENING = (Decimal("0.001"), Decimal("0.0025"), Decimal("0.005"), Decimal("0.01"), Decimal("0.02"))
BAND = Decimal("0.2")
PAUSE = 0.3
MOST_REST = 5.0
# How long an order is waited for before the next round asks about it.
FIRST_WAIT = 3.0
# An order that the venue does not have may still be on its way to it.
ABSENCE = timedelta(seconds=15)
POSITIONS_SEEN = 2
# Of an order this old one such answer is enough.
LONG_AGO = timedelta(minutes=1)
# An order that a venue does not have is sent again under its own id, where no second one of that id can be: after so
# many seconds, then twice as many, and so often. A venue that sheds load takes it as soon as it takes anything.
SEND_AGAIN = 1.0
MOST_AGAIN = 4.0
TIMES_AGAIN = 5


class Desk:
    """``traded_xbt``: Δ of what has filled at both venues since it was last set to 0 (buy > 0)."""

    def __init__(self, clock: Clock, journal: FlattenJournal, flatten_id: str, by: str, voice: Voice) -> None:
        self._clock = clock
        self._journal = journal
        self._id = flatten_id
        self._by = by
        self._voice = voice
        self._unwritten: list[tuple[Entry, datetime]] = []
        self.sent = 0
        self.traded_xbt = Decimal(0)

    def note(self, entry: Entry) -> None:
        """Write an entry to the journal. A disk that cannot take it does not stop the emergency.

        What it did not take is written before the next entry: an order is nothing without the command before it.
        """
        now = self._clock.now()
        self._unwritten.append((entry, now))
        try:
            while self._unwritten:
                self._journal.write(*self._unwritten[0])
                del self._unwritten[0]
        except OSError as error:
            self._voice(f"THE JOURNAL IS NOT WRITTEN ({error}), keep this line: {line_of(entry, now)}")

    def taking(self, side: VenueSide, order_side: Side) -> Level | None:
        """Return what an order would trade against now; None while none can be sent.

        None is sent beside one whose end is not known, nor while the venue's positions lag behind its fills.
        """
        if side.pending:
            names = ", ".join(side.pending)
            self._voice.once(f"{side.venue.name} does not say what became of {names}: no order beside it")
            return None
        if side.is_catching_up or self._clock.monotonic() < side.rest_until:
            return None
        if side.is_closed:
            self._voice.once(f"{side.instrument_id}: the market is closed until {clock(side.opens)}")
            return None
        level = None if side.current is None else side.current.take(order_side)
        if level is None:
            self._voice.once(f"{side.instrument_id}: no quote to trade against; waiting")
        return level

    async def send(self, side: VenueSide, signed: int, price: Decimal) -> None:
        """Send one order for ``signed`` contracts, which only reduces; its fills count at ``price`` (USD per XBT)."""
        order_side = Side.BUY if signed > 0 else Side.SELL
        level = self.taking(side, order_side)
        room = min(abs(signed), side.room(order_side))
        if level is None or not room or side.instrument is None or side.contracts is None:
            return
        lot = side.instrument.terms.lot
        quantity = room - room % lot
        if not quantity:
            self._voice.once(
                f"{side.instrument_id}: {room} contracts are less than one lot of {lot}: close them by hand, with "
                "the venue's own Close button"
            )
            return
        order = self._order(side, side.instrument, order_side, quantity, side.contracts, level)
        if isinstance(order, Denied):
            self._failed(side)
            self._voice.once(f"{side.instrument_id}: an order for {quantity} was not sent: {order}")
            return
        self.sent += 1
        request = order.request
        self.note(OrderIntended(request, Purpose.FLATTEN, self._id, None))
        price_text = f"{request.price.normalize():,f}"
        self._voice(f"{order_side} {request.quantity:,} {side.instrument_id} at {price_text} or better")
        pending = side.pending[request.client_order_id] = Pending(
            request, price, side.contracts, order=order, again_at=self._clock.monotonic() + SEND_AGAIN
        )
        try:
            update = await side.venue.submit(order)
        except (Refused, NotSent) as error:
            del side.pending[request.client_order_id]
            self._refused(side, error)
            return
        except VenueError as error:
            self._voice(str(error))
        else:
            if update.status.is_final:
                self._settled(side, pending, update.filled)
                return
        deadline = self._clock.monotonic() + FIRST_WAIT
        while side.pending and self._clock.monotonic() < deadline:
            await self.settle(side)
            if side.pending:
                await asyncio.sleep(PAUSE)

    async def settle(self, side: VenueSide) -> None:
        """Ask about every order whose end is not known."""
        if side.instrument is None:
            return
        for pending in list(side.pending.values()):
            await self._ask(side, pending)

    async def _ask(self, side: VenueSide, pending: Pending) -> None:
        try:
            update = await side.venue.order(pending.request.instrument, pending.request.client_order_id)
        except VenueError as error:
            side.complain(error)
            return
        if update is not None:
            pending.absent_since = None
            pending.positions.clear()
            if update.status.is_final:
                self._settled(side, pending, update.filled)
            return
        if await self._send_again(side, pending):
            return
        now = self._clock.now()
        if pending.absent_since is None:
            pending.absent_since = now
        absent = now - pending.absent_since
        seen = pending.positions[-POSITIONS_SEEN:]
        if pending.held is None and absent >= LONG_AGO:
            self._settled(side, pending, 0)
        elif absent >= ABSENCE and len(seen) == POSITIONS_SEEN and len(set(seen)) == 1:
            self._settled(side, pending, _moved(pending, seen[-1]))

    async def _send_again(self, side: VenueSide, pending: Pending) -> bool:
        """Send an order the venue does not have once more, under its own id, if that is safe and due."""
        due = self._clock.monotonic() >= pending.again_at
        if pending.order is None or not due or pending.again >= TIMES_AGAIN:
            return False
        if not side.venue.capabilities.unique_client_ids:
            return False
        pending.again += 1
        pending.again_at = self._clock.monotonic() + min(SEND_AGAIN * 2.0**pending.again, MOST_AGAIN)
        # Both may still be on their way: from here on it is absent anew.
        pending.absent_since = None
        pending.positions.clear()
        try:
            update = await side.venue.submit(pending.order)
        except VenueError as error:
            # Even a refusal is only of this one: the first may yet arrive.
            self._voice.once(str(error))
        else:
            if update.status.is_final and pending.request.client_order_id in side.pending:
                self._settled(side, pending, update.filled)
        return True

    def _settled(self, side: VenueSide, pending: Pending, filled: int) -> None:
        request = pending.request
        del side.pending[request.client_order_id]
        signed = request.side.sign * filled
        if side.instrument is not None:
            self.traded_xbt += side.instrument.xbt(signed, pending.price)
        if pending.held is None:
            return
        if not filled:
            if side.way is Way.AT_THE_TOUCH:
                side.way = Way.PLANNED  # the price has run away from it
            self._failed(side)
            return
        side.failures = side.refusals = 0
        side.expect(pending.held + signed)

    def _refused(self, side: VenueSide, error: Refused | NotSent) -> None:
        """Try another way next time; a venue that only wants to be left alone for a moment gets the same again."""
        self._voice.once(f"{side.venue.name} did not take an order: {error.detail}")
        side.refused = error.detail
        side.refusals += 1
        if isinstance(error, Refused) and not isinstance(error, Throttled):
            among = ways(reduce_only=side.venue.capabilities.reduce_only)
            side.way = after(side.way, among)
            if side.refusals >= len(among):
                self._voice.once(
                    f"{side.venue.name} HAS REFUSED EVERY KIND OF ORDER. Going on, more slowly; meanwhile close "
                    f"{side.instrument_id} by hand if you can"
                )
            else:
                self._voice.once(f"{side.venue.name}: trying {side.way}")
        self._rest(side)

    def _failed(self, side: VenueSide) -> None:
        """Widen the next limit."""
        side.failures += 1
        self._rest(side)

    def _rest(self, side: VenueSide) -> None:
        """After so many tries in vain let the venue rest, a little longer each time."""
        beyond = side.failures + side.refusals - len(WIDENING)
        if beyond > 0:
            side.rest_until = self._clock.monotonic() + min(PAUSE * 2.0 ** min(beyond, 8), MOST_REST)

    def _order(
        self,
        side: VenueSide,
        instrument: Instrument,
        order_side: Side,
        quantity: int,
        held: int,
        level: Level,
    ) -> Approved | Denied:
        widening = WIDENING[min(side.failures, len(WIDENING) - 1)]
        if side.way is Way.AT_THE_TOUCH:
            widening = Decimal(0)
        if side.way is Way.SMALLER:
            quantity = smaller(quantity, instrument.terms.lot)
        reduce_only = side.way is not Way.PLAIN
        rounding = Rounding.UP if order_side is Side.BUY else Rounding.DOWN
        price = instrument.terms.to_tick(level.price * (1 + order_side.sign * widening), rounding)
        request = OrderRequest(
            client_order_id=f"{FLATTEN_PREFIX}-{self._id}-{self.sent + 1:03d}",
            instrument=side.instrument_id,
            side=order_side,
            quantity=quantity,
            price=price,
            reduce_only=reduce_only,
        )
        now = self._clock.now()
        envelope = Envelope(
            approval_id=self._id,
            instrument=side.instrument_id,
            side=order_side,
            reduce_only=reduce_only,
            quantity=envelope_quantity(instrument, abs(held), price),
            price_low=level.price * (1 - BAND),
            price_high=level.price * (1 + BAND),
            execute_by=now + timedelta(minutes=1),
            approved_by=self._by,
            approved_at=now,
            purposes=(Purpose.FLATTEN,),
        )
        return authorize(request, Purpose.FLATTEN, envelope, instrument, Usage(), now)


def _moved(pending: Pending, holds: int) -> int:
    """Return how much of an order the venue denies to have must have filled all the same, by its positions."""
    if pending.held is None:
        return 0
    moved = pending.request.side.sign * (holds - pending.held)
    return min(max(0, moved), pending.request.quantity)
