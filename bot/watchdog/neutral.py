"""Bringing a silent bot's portfolio back towards its target Δ, where a person allowed that beforehand. Only reduces.

Not while anything moves: positions must have stood still, with no order in the contracts, before and after the bot is
held back (flatten's latch). Written into a journal as flatten's, which the bot adopts: it ends its plans and halts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from adapters.clock import Clock, IdSource
from adapters.errors import VenueError
from bot.flatten.desk import PAUSE, Desk
from bot.flatten.options import LANDING
from bot.flatten.side import VenueSide, name_of
from bot.flatten.voice import Voice
from bot.flatten.ways import Way
from bot.model.events import FlattenFinished, FlattenOrdered
from bot.model.flatten_journal import FlattenJournal
from risk.money import Currency

LOOK_EVERY = 2.0
# So long it trades at most, and so long afterwards it asks what became of its orders.
WITHIN = timedelta(seconds=60)
END_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Authority:
    """``by`` allowed it, before ``until``: at most ``max_xbt`` in all, where Δ (XBT, the wallet's counted) is further
    than ``band_xbt`` from ``target_xbt`` and has stood still for ``still`` seconds."""

    by: str
    until: datetime
    max_xbt: Decimal
    band_xbt: Decimal
    target_xbt: Decimal
    still: float


class Tether(Protocol):
    """Holds the bot back, so that one that comes back does not trade against this."""

    def hold(self) -> str | None:
        """Return why it cannot be held, None if it is: then nothing but flatten and this sends any more."""
        ...

    def let_go(self) -> None:
        """Nothing was sent: let the bot go on."""
        ...

    def release(self) -> None:
        """From now on a person may let the bot go on; before, nobody can."""
        ...

    def journal(self, flatten_id: str) -> FlattenJournal: ...


class Restless(Exception):
    """It is not safe to trade now; ``str(error)`` says why."""


class Neutral:
    def __init__(
        self,
        inverse: VenueSide,
        linear: VenueSide,
        authority: Authority,
        tether: Tether,
        clock: Clock,
        ids: IdSource,
        voice: Voice,
        landing: float = LANDING,
    ) -> None:
        self._inverse = inverse
        self._linear = linear
        self._authority = authority
        self._tether = tether
        self._clock = clock
        self._ids = ids
        self._voice = voice
        self._landing = landing

    async def run(self, called_off: Callable[[], bool]) -> tuple[bool, str]:
        """Reduce what is naked, once. Return whether anything was sent, and what a person has to know."""
        authority = self._authority
        if self._clock.now() >= authority.until:
            return False, f"not brought to neutral: what {authority.by} allowed has ended"
        try:
            await self._stand_still(authority.still, called_off)
            naked = await self._naked()
            if self._cut(naked) is None:
                near = abs(naked) <= authority.band_xbt
                hindered = "" if near else "; ".join(self.hindrances)
                return False, f"Δ is {naked:+.4f} XBT from its target: {hindered or 'nothing to reduce'}"
            why = self._tether.hold()
        except Restless as error:
            return False, f"not brought to neutral: {error}"
        if why is not None:
            return False, f"not brought to neutral, {naked:+.4f} XBT from the target: {why}"
        try:
            # What left the bot before it was held back arrives, or is dead.
            await self._stand_still(self._landing, called_off)
            naked = await self._naked()
            cut = self._cut(naked)
            if cut is None:
                raise Restless(f"Δ is {naked:+.4f} XBT from its target by now")
        except Restless as error:
            self._tether.let_go()
            return False, f"not brought to neutral: {error}"
        return True, await self._reduce(*cut, naked)

    @property
    def hindrances(self) -> list[str]:
        """What stands in the way of its orders, by what the venues say of this login."""
        return [text for side in (self._inverse, self._linear) for text in side.venue.complaints]

    async def _stand_still(self, seconds: float, called_off: Callable[[], bool]) -> None:
        """Return once nothing has moved for so long. Raises Restless."""
        sides = (self._inverse, self._linear)
        held: list[int | None] | None = None
        end = self._clock.monotonic() + seconds
        while True:
            if called_off():
                raise Restless("the bot is heard again")
            await asyncio.gather(*(side.look() for side in sides))
            for side in sides:
                if side.contracts is None:
                    raise Restless(f"{side.venue.name} does not say what it holds")
                if side.working:
                    raise Restless(f"{name_of(side.working[0])} is at work at {side.venue.name}")
            now = [side.contracts for side in sides]
            if held is not None and now != held:
                raise Restless("positions are moving")
            held = now
            if self._clock.monotonic() >= end:
                return
            await asyncio.sleep(min(LOOK_EVERY, seconds))

    async def _naked(self) -> Decimal:
        """Return Δ − target in XBT, by what the venues say now. Raises Restless where that is not all known."""
        sides = (self._inverse, self._linear)
        try:
            account = await self._inverse.venue.account()
            positions = [position for side in sides for position in await side.venue.positions()]
        except VenueError as error:
            raise Restless(str(error)) from error
        ours = {side.instrument_id for side in sides}
        strange = [
            position for position in positions if position.contracts and position.instrument not in ours
        ]
        if strange:
            raise Restless(f"{strange[0].instrument} is held too, and Δ is not known with it")
        parts = [side.xbt(side.contracts or 0) for side in sides]
        if account.currency is not Currency.XBT or None in parts:
            raise Restless("what is held cannot be valued now")
        total = account.equity.amount + sum((part for part in parts if part is not None), Decimal(0))
        return total - self._authority.target_xbt

    def _cut(self, naked: Decimal) -> tuple[VenueSide, int] | None:
        """Return the leg that makes Δ smaller when it is reduced, and by how many contracts (signed); rounded down, so
        that Δ comes nearer to its target and never beyond it."""
        if abs(naked) <= self._authority.band_xbt:
            return None
        most = min(abs(naked), self._authority.max_xbt)
        for side in (self._inverse, self._linear):
            if side.venue.complaints:
                continue  # an order there would be refused, or find no price: the bot is not held back for that
            held, price = side.contracts or 0, self._inverse.price
            if held * naked <= 0 or side.instrument is None or price is None or side.is_closed:
                continue
            contracts = min(side.instrument.contracts_for(most, price), abs(held))
            contracts -= contracts % side.instrument.terms.lot
            if contracts:
                return side, -contracts if held > 0 else contracts
        return None

    async def _reduce(self, side: VenueSide, signed: int, naked: Decimal) -> str:
        flatten_id, by = self._ids.new(), f"watchdog, allowed by {self._authority.by}"
        journal = self._tether.journal(flatten_id)
        desk = Desk(self._clock, journal, flatten_id, by, self._voice)
        before = side.contracts or 0
        side.goal = before + signed
        side.way, side.failures, side.refusals = Way.PLANNED, 0, 0
        desk.note(FlattenOrdered(flatten_id, by, (self._inverse.venue.name, self._linear.venue.name)))
        try:
            await self._work(side, desk)
            deadline = self._clock.monotonic() + END_WITHIN
            while side.pending and self._clock.monotonic() < deadline:
                await desk.settle(side)
                await asyncio.sleep(PAUSE)
            await side.look()
        finally:
            # Of what is left somebody else decides: for the next look all of it is there.
            side.goal = 0
            desk.note(FlattenFinished(flatten_id, False))
            journal.close()
            self._tether.release()
        now = "unknown" if side.contracts is None else f"{side.contracts:+,}"
        left = f"; MAY STILL FILL: {', '.join(side.pending)}" if side.pending else ""
        return (
            f"Δ was {naked:+.4f} XBT from its target: {side.instrument_id} reduced from {before:+,} to {now} contracts "
            f"(aim {before + signed:+,}), as {self._authority.by} allowed{left}. The bot sends nothing until "
            "basisbot enable"
        )

    async def _work(self, side: VenueSide, desk: Desk) -> None:
        end = self._clock.now() + WITHIN
        while self._clock.now() < end:
            await desk.settle(side)
            await side.look()
            # Never without its being reduce-only, where the venue knows that.
            if side.excess == 0 or side.way is Way.PLAIN:
                return
            if side.excess is not None:
                await desk.send(side, -side.excess, self._inverse.price or Decimal(1))
            await asyncio.sleep(PAUSE)
