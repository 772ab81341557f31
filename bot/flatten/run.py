"""One run of the emergency command.

Latch (no other process of this instance sends any more) → cancel → reduce in pairs matched in XBT at the current
price, with marketable limits that widen → verify from the venues → report, with the exposure that remains.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import Venue
from bot.flatten.desk import PAUSE, Desk
from bot.flatten.side import Pending, VenueSide, Voice
from bot.model.events import FlattenFinished, FlattenOrdered
from bot.model.flatten_journal import FlattenJournal
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.orders import OrderRequest, Side
from risk.portfolio import Account
from risk.sizing import paired_reduction

# One round takes at most this off, or one linear contract where that is larger: the legs are never further apart.
CLIP_XBT = Decimal(1)
# What the bot had sent when the latch fell may take this long to land: so long both venues must say flat.
QUIET = 1.5
LOOK_EVERY = 0.5
MOST_PAUSE = 2.0
# How many orders in a row match one clip, while each of them fills something.
MATCHING = 10
# How long after the time limit an order of ours that may still fill is cancelled and asked about.
END_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """``flat``: both venues said so, for ``QUIET`` seconds. ``remaining_xbt``: Δ of what is left, wallet included.

    ``live_orders``: orders in our contracts that may still fill. ``unmatched_xbt``: by how much the linear leg has
    been closed further than the inverse one could follow (bought > 0).
    """

    flat: bool
    positions: dict[InstrumentId, int]
    unanswered: tuple[str, ...]
    live_orders: tuple[str, ...]
    foreign_orders: tuple[str, ...]
    orders_sent: int
    unmatched_xbt: Decimal
    wallet_xbt: Decimal | None
    remaining_xbt: Decimal | None
    seconds: float


class Flatten:
    """``by``: who typed the command, which is the approval of all it sends.

    ``strip_hedge``: close each leg by itself, although the other may be closed or silent. ``earlier``: the orders
    of runs that did not get flat, and when each was intended: their ends are learnt before anything is sent, and
    what they left unmatched is matched first.
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
        say: Callable[[str], None],
        *,
        strip_hedge: bool = False,
        earlier: Sequence[tuple[OrderRequest, datetime]] = (),
    ) -> None:
        self._voice = Voice(say)
        self._inverse = VenueSide(inverse, inverse_id, clock, self._voice)
        self._linear = VenueSide(linear, linear_id, clock, self._voice)
        self._clock = clock
        self._desk = Desk(clock, journal, flatten_id, by, self._voice)
        self._id = flatten_id
        self._by = by
        self._strip = strip_hedge
        self._account: Account | None = None
        for request, at in earlier:
            for side in self._sides:
                if side.instrument_id == request.instrument:
                    side.pending[request.client_order_id] = Pending(request, request.price, None, at)

    @property
    def _sides(self) -> tuple[VenueSide, VenueSide]:
        return self._inverse, self._linear

    async def plan(self) -> Mapping[InstrumentId, int | None]:
        """Connect and say what would be closed; None where a venue does not answer."""
        await asyncio.gather(*(side.connect() for side in self._sides))
        await self._look()
        return {side.instrument_id: side.contracts for side in self._sides}

    async def run(self, limit: timedelta) -> Outcome:
        """Reduce until both venues say flat, or ``limit`` has passed. Call ``plan`` first."""
        started = self._clock.now()
        names = tuple(side.venue.name for side in self._sides)
        self._desk.note(FlattenOrdered(self._id, self._by, names))
        try:
            flat = await self._until_flat(started + limit)
            if not flat:
                await self._leave_nothing_behind()
        except asyncio.CancelledError:
            self._say_live()
            raise
        self._say_live()
        seconds = (self._clock.now() - started).total_seconds()
        await self._ask_account()
        self._desk.note(FlattenFinished(self._id, flat))
        return self._outcome(flat, seconds)

    async def close(self) -> None:
        await asyncio.gather(*(side.venue.close() for side in self._sides), return_exceptions=True)

    async def _until_flat(self, end: datetime) -> bool:
        flat_since: float | None = None
        idle = 0
        while flat_since is not None or self._clock.now() < end:
            for side in self._sides:
                if side.instrument is None:
                    await side.connect()
            # Ends first, then positions: what has filled is in them, and is not sent again.
            await self._settle()
            await self._look()
            if all(side.is_flat for side in self._sides):
                now = self._clock.monotonic()
                flat_since = now if flat_since is None else flat_since
                if now - flat_since >= QUIET:
                    return True
                await asyncio.sleep(LOOK_EVERY)
                continue
            flat_since = None
            sent = self._desk.sent
            await self._cancel()
            await self._reduce()
            idle = idle + 1 if self._desk.sent == sent else 0
            await asyncio.sleep(_pause(idle))
        return False

    async def _settle(self) -> None:
        await asyncio.gather(*(self._desk.settle(side) for side in self._sides))

    async def _look(self) -> None:
        await asyncio.gather(*(side.look() for side in self._sides))

    async def _cancel(self) -> None:
        await asyncio.gather(*(side.cancel() for side in self._sides))

    async def _reduce(self) -> None:
        """Take one clip off both legs; where that cannot be, leave one leg alone rather than the other naked."""
        inverse, linear = self._inverse, self._linear
        price = inverse.price
        if self._strip:
            await self._close_unpaired(inverse, linear)
            return
        if inverse.contracts is None or linear.contracts is None:
            if inverse.contracts is not None and price is not None:
                await self._match(price)
            silent = inverse if inverse.contracts is None else linear
            self._voice.once(
                f"{silent.venue.name} does not say what it holds: the other leg stays, for it may be its hedge "
                "(--strip-hedge closes it alone)"
            )
            return
        if inverse.contracts * linear.contracts >= 0:
            await self._close_unpaired(inverse, linear)
            return
        if price is None or inverse.instrument is None or linear.instrument is None:
            self._voice.once(f"{inverse.instrument_id}: no price to match the legs by; waiting")
            return
        clip = max(CLIP_XBT, linear.instrument.granule(price))
        pair = paired_reduction(
            inverse.instrument, inverse.contracts, linear.instrument, linear.contracts, clip, price
        )
        if not pair.linear:
            # The inverse leg is too small for any linear contract. It hedges part of what is there: it goes last.
            await self._close_unpaired(linear)
        elif self._owed(price):
            await self._match(price)
        elif self._desk.taking(inverse, Side.SELL if pair.inverse < 0 else Side.BUY):
            # The leg that may be closed goes first: if it cannot trade, the other keeps hedging it.
            await self._desk.send(linear, pair.linear, price)
            await self._match(price)

    async def _close_unpaired(self, *sides: VenueSide) -> None:
        """Close each of ``sides`` by itself; nothing that fills is for the inverse leg to follow."""
        await asyncio.gather(*(self._close_alone(side) for side in sides))
        self._desk.traded_xbt = Decimal(0)

    async def _close_alone(self, side: VenueSide) -> None:
        price = self._inverse.price or side.price
        if side.contracts and price is None:
            self._voice.once(f"{side.instrument_id}: no price to value it by; waiting")
        elif side.contracts and price is not None:
            await self._desk.send(side, -side.contracts, price)

    def _owed(self, price: Decimal) -> int:
        """Return the inverse contracts, signed, that match what the linear leg is ahead by; 0 if none can."""
        inverse, ahead = self._inverse, self._desk.traded_xbt
        if inverse.instrument is None or not inverse.contracts or ahead * inverse.contracts <= 0:
            return 0
        contracts = min(inverse.instrument.contracts_for(abs(ahead), price), abs(inverse.contracts))
        return -contracts if ahead > 0 else contracts

    async def _match(self, price: Decimal) -> None:
        """Have the inverse leg follow the linear one, in as many orders as fill."""
        for _ in range(MATCHING):
            owed, before = self._owed(price), self._desk.traded_xbt
            if not owed:
                return
            # A fill is in the arithmetic before it is in the positions, and this venue cannot be turned around.
            await self._desk.send(self._inverse, owed, price)
            if self._desk.traded_xbt == before:
                break
        if self._owed(price):
            self._voice.once(
                f"{self._inverse.venue.name} does not follow: {self._desk.traded_xbt:+.4f} XBT closed at "
                f"{self._linear.venue.name} is unmatched; nothing more is closed there before it is"
            )

    async def _leave_nothing_behind(self) -> None:
        """Cancel what may still fill, and wait for the venues to say that it cannot."""
        deadline = self._clock.monotonic() + END_WITHIN
        rounds = 0
        while any(side.live for side in self._sides):
            await self._cancel()
            await self._settle()
            await self._look()
            if self._clock.monotonic() >= deadline:
                return
            rounds += 1
            await asyncio.sleep(_pause(rounds))

    def _live(self) -> tuple[str, ...]:
        return tuple(f"{side.instrument_id} {name}" for side in self._sides for name in side.live)

    def _say_live(self) -> None:
        for name in self._live():
            self._voice(f"LIVE: {name} may still fill, with nobody watching: cancel it by hand")

    async def _ask_account(self) -> None:
        try:
            self._account = await self._inverse.venue.account()
        except VenueError as error:
            self._inverse.complain(error)

    def _outcome(self, flat: bool, seconds: float) -> Outcome:
        account = self._account
        wallet = None if account is None or account.currency is not Currency.XBT else account.equity.amount
        remaining = wallet
        for side in self._sides:
            if side.contracts is None or side.instrument is None:
                remaining = None
            elif side.contracts and remaining is not None:
                remaining = (
                    None
                    if side.price is None
                    else remaining + side.instrument.xbt(side.contracts, side.price)
                )
        price = self._inverse.price
        return Outcome(
            flat=flat,
            positions={
                side.instrument_id: side.contracts for side in self._sides if side.contracts is not None
            },
            unanswered=tuple(side.trouble for side in self._sides if side.contracts is None),
            live_orders=self._live(),
            foreign_orders=tuple(
                f"{order.instrument} {order.client_order_id or order.venue_order_id}"
                for side in self._sides
                for order in side.orders
                if order.instrument != side.instrument_id
            ),
            orders_sent=self._desk.sent,
            unmatched_xbt=self._desk.traded_xbt if price is not None and self._owed(price) else Decimal(0),
            wallet_xbt=wallet,
            remaining_xbt=remaining,
            seconds=seconds,
        )


def _pause(idle: int) -> float:
    """Return how long to wait after so many rounds without an order: questions spend the venue's patience too."""
    return min(PAUSE * (1 + idle), MOST_PAUSE)
