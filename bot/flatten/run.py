"""One run of the emergency command.

Latch (no other process of this instance sends any more) → cancel → reduce in pairs matched in XBT at the current
price, with marketable limits that widen → verify from the venues → report, with the exposure that remains.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import Venue
from bot.flatten.desk import PAUSE, Desk
from bot.flatten.hold import held_short
from bot.flatten.options import Options
from bot.flatten.outcome import Ending, Outcome, Word
from bot.flatten.pairs import Pairs
from bot.flatten.plan import Plan, plan
from bot.flatten.report import report
from bot.flatten.side import Pending, VenueSide
from bot.flatten.voice import Voice
from bot.model.events import FlattenFinished, FlattenOrdered
from bot.model.flatten_journal import FlattenJournal
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.orders import OrderRequest
from risk.portfolio import Account

# So long both venues must say flat, again and again, however long ago the latch fell.
QUIET = 1.5
LOOK_EVERY = 0.5
# While nothing but an order from before the latch can come any more.
WATCH_EVERY = 2.0
MOST_PAUSE = 2.0
# How long after the time limit an order of ours that may still fill is cancelled and asked about.
END_WITHIN = 20.0
DEFAULT = Options()
Heard = Callable[[], Mapping[InstrumentId, Word]]


class Flatten:
    """``by``: who typed the command, which is the approval of all it sends.

    ``earlier``: the orders of runs that did not get flat, and when each was intended: their ends are learnt before
    anything is sent, and what they left unmatched is matched first. ``later``: the contracts beside ``inverse_id``
    and ``linear_id`` that a roll may have gone into.
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
        options: Options = DEFAULT,
        earlier: Sequence[tuple[OrderRequest, datetime]] = (),
        later: Sequence[InstrumentId] = (),
    ) -> None:
        self._voice = Voice(say)
        months = {name: [key for key in later if key.venue == name] for name in (inverse.name, linear.name)}
        self._inverse = VenueSide(inverse, inverse_id, clock, self._voice, months[inverse.name])
        self._linear = VenueSide(linear, linear_id, clock, self._voice, months[linear.name])
        self._clock = clock
        self._desk = Desk(clock, journal, flatten_id, by, self._voice)
        self._pairs = Pairs(
            self._inverse, self._linear, self._desk, self._voice, strip_hedge=options.strip_hedge
        )
        self._id = flatten_id
        self._by = by
        self._options = options
        self._account: Account | None = None
        # Before it is known how much of a hedge is to stay, none of it is taken off.
        self._aimed = not options.hold_hedge
        for request, at in earlier:
            for side in self._sides:
                if request.instrument in side.instrument_ids:
                    side.pending[request.client_order_id] = Pending(request, request.price, None, at)

    @property
    def _sides(self) -> tuple[VenueSide, VenueSide]:
        return self._inverse, self._linear

    async def plan(self) -> Plan:
        """Connect, and say what would be done."""
        await asyncio.gather(*(side.connect() for side in self._sides))
        await self._look()
        await self._ask_account()
        self._set_goals()
        account = self._account
        return plan(
            self._inverse,
            self._linear,
            self._options,
            None if account is None or account.currency is not Currency.XBT else account.equity.amount,
        )

    async def run(self, limit: timedelta, booked: Heard = dict) -> Outcome:
        """Reduce until both venues say flat, or ``limit`` has passed. Call ``plan`` first.

        Ends earlier where all that is left waits for the linear market to open (PENDING). ``booked``: what is known
        of positions from elsewhere, should a venue not answer at all.
        """
        started = self._clock.now()
        names = tuple(side.venue.name for side in self._sides)
        self._desk.note(FlattenOrdered(self._id, self._by, names))
        ending, since = Ending.NOT_FLAT, None
        try:
            ending, since = await self._until_settled(started + limit)
            if ending is Ending.NOT_FLAT:
                await self._leave_nothing_behind()
        except asyncio.CancelledError:
            self._say_live()
            raise
        self._say_live()
        seconds = (self._clock.now() - started).total_seconds()
        await self._ask_account()
        self._desk.note(FlattenFinished(self._id, ending is Ending.FLAT))
        return report(
            self._inverse,
            self._linear,
            ending,
            self._account,
            booked(),
            now=self._clock.now(),
            orders_sent=self._desk.sent,
            unmatched=self._pairs.unmatched,
            flat_after=None
            if ending is not Ending.FLAT or since is None
            else (since - started).total_seconds(),
            seconds=seconds,
        )

    async def close(self) -> None:
        await asyncio.gather(*(side.venue.close() for side in self._sides), return_exceptions=True)

    async def _until_settled(self, end: datetime) -> tuple[Ending, datetime | None]:
        """Return how it ends, and since when the venues have said so."""
        landed = self._clock.monotonic() + self._options.watch
        settled: Ending | None = None
        since, since_at = 0.0, self._clock.now()
        idle = 0
        while settled is not None or self._clock.now() < end:
            for side in self._sides:
                if side.instrument is None:
                    await side.connect()
            # Ends first, then positions: what has filled is in them, and is not sent again.
            await self._settle()
            await self._look()
            await self._aim()
            now = self._settled()
            if now is not None:
                if now is not settled:
                    settled, since, since_at = now, self._clock.monotonic(), self._clock.now()
                    self._say_watching(now, landed - since)
                if now is Ending.PENDING:
                    await asyncio.gather(*(side.keep_stops() for side in self._sides))
                passed = self._clock.monotonic()
                if passed >= max(since + QUIET, landed):
                    return now, since_at
                await asyncio.sleep(LOOK_EVERY if passed < since + QUIET else WATCH_EVERY)
                continue
            settled = None
            self._say_left()
            sent = self._desk.sent
            await self._cancel()
            if self._aimed:
                await self._pairs.reduce()
            idle = idle + 1 if self._desk.sent == sent else 0
            await asyncio.sleep(_pause(idle))
        return Ending.NOT_FLAT, None

    def _settled(self) -> Ending | None:
        others = self._options.everything and any(side.orders for side in self._sides)
        if all(side.is_flat for side in self._sides) and not others:
            return Ending.FLAT
        return Ending.PENDING if self._aimed and self._pairs.waits else None

    async def _settle(self) -> None:
        await asyncio.gather(*(self._desk.settle(side) for side in self._sides))

    async def _look(self) -> None:
        await asyncio.gather(*(side.look() for side in self._sides))

    async def _cancel(self) -> None:
        """Cancel; what protects a position only once there is none."""
        bare = all(side.is_there for side in self._sides)
        await asyncio.gather(*(self._cancel_at(side, bare) for side in self._sides))

    async def _cancel_at(self, side: VenueSide, bare: bool) -> None:
        """``bare``: nothing is left that a stop could protect. Until then only ours is cancelled beside a stop."""
        if self._options.everything and (bare or not side.stops):
            await side.cancel_all()
            return
        await side.cancel()
        if bare:
            await side.cancel_stops()

    async def _aim(self) -> None:
        """With ``--hold-hedge``, learn how much of a short is to stay. Once reached, that stands: a wallet's worth
        moves a little with the mark, and a hedge shall not crumble lot by lot."""
        if self._options.hold_hedge and any(side.excess != 0 for side in self._sides):
            await self._ask_account()
            self._set_goals()
            if not self._aimed:
                self._voice.once(
                    "how much of a short the wallet needs is not known yet: nothing is closed before"
                )

    def _set_goals(self) -> None:
        inverse, linear, account = self._inverse, self._linear, self._account
        if not self._options.hold_hedge or account is None or account.currency is not Currency.XBT:
            return
        if inverse.instrument is None or linear.instrument is None or inverse.price is None:
            return
        if inverse.contracts is None or linear.contracts is None:
            return
        kept = (inverse.kept_elsewhere, linear.kept_elsewhere)
        if kept[0] is None or kept[1] is None:
            return
        inverse.goal, linear.goal = held_short(
            account.equity.amount + kept[0] + kept[1],
            inverse.instrument,
            inverse.contracts,
            linear.instrument,
            linear.contracts,
            inverse.price,
        )
        self._aimed = True

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

    def _say_watching(self, ending: Ending, seconds: float) -> None:
        if ending is Ending.PENDING:
            self._pairs.explain_wait()
        if seconds > QUIET:
            what = "FLAT: both venues say so. " if ending is Ending.FLAT else ""
            self._voice(f"{what}Watching {seconds:.0f} s more, for an order that may still be on its way")

    def _say_left(self) -> None:
        if all(side.excess is not None for side in self._sides):
            left = ", ".join(f"{side.instrument_id} {side.excess:+,}" for side in self._sides)
            self._voice.left(f"still to close: {left}")

    def _say_live(self) -> None:
        for side in self._sides:
            for name in side.live:
                self._voice(
                    f"LIVE: {side.instrument_id} {name} may still fill, with nobody watching: cancel it by hand"
                )

    async def _ask_account(self) -> None:
        if self._inverse.instrument is None:
            return
        try:
            self._account = await self._inverse.venue.account()
        except VenueError as error:
            self._inverse.complain(error)


def _pause(idle: int) -> float:
    """Return how long to wait after so many rounds without an order: questions spend the venue's patience too."""
    return min(PAUSE * (1 + idle), MOST_PAUSE)
