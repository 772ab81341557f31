"""When the scripted owner wants a spread opened, taken down or rolled. Pure: what is held and quoted in, a wish out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.simulator.market.formats import Month
from bot.model.plans import PlanKind
from bot.runtime.replay.options import Options, Threshold, Weekends
from bot.runtime.replay.recordings import Recording
from bot.runtime.replay.worth import THE_END
from risk.direction import Direction
from risk.sessions import Span

BEFORE_THE_END = timedelta(hours=2)
BEFORE_A_WEEKEND = timedelta(hours=3)
LONG_CLOSURE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Holding:
    """Signed contracts: of the perpetual, and of each CME month that is held."""

    inverse: int
    linear: Mapping[Month, int]

    def has_spread(self, direction: Direction) -> bool:
        """The long leg tells: a short one may be the collateral's hedge."""
        if direction is Direction.LONG_INVERSE:
            return self.inverse > 0
        return any(contracts > 0 for contracts in self.linear.values())


@dataclass(frozen=True, slots=True)
class Wish:
    """A plan to propose. ``collateral``: as a plan's."""

    kind: PlanKind
    month: Month
    collateral: bool
    why: str


@dataclass(slots=True)
class Strategy:
    """``closures``: CME's announced ones. ``over``: nothing is opened any more, and what there is comes down; set when
    a venue has closed a position by itself. ``automated``: what comes off without a wish is the bot's own doing, and
    its own to build back; ``opened``: a spread was wished for and opened."""

    options: Options
    recording: Recording
    closures: tuple[Span, ...]
    over: str = ""
    automated: bool = False
    opened: bool = False

    @property
    def _deadline(self) -> datetime:
        """The end, or the last moment before it at which CME trades."""
        end = self.recording.ends
        asleep = next((one for one in self.closures if one.start <= end < one.end), None)
        return (end if asleep is None else asleep.start) - BEFORE_THE_END

    def wish(
        self,
        now: datetime,
        held: Holding,
        opens: Decimal | None,
        closes: Decimal | None,
        price: Decimal,
        *,
        next_is_quoted: bool = True,
    ) -> Wish | None:
        """``opens``, ``closes``: the basis (USD per XBT) that could be traded now, None where it could not.
        ``next_is_quoted``: whether the month to roll to has a book; without it what comes down could not go up."""
        options, month = self.options, self.recording.contract(now)
        long_inverse = options.direction is Direction.LONG_INVERSE
        spread = held.has_spread(options.direction)
        here = next(iter(held.linear), month)
        done = self.over or (THE_END if now >= self._deadline else "")
        if done:
            left = held.inverse or held.linear
            return Wish(PlanKind.CLOSE, here, True, done) if left else None
        if held.linear and here != month:
            if not next_is_quoted and not self.recording.is_last_chance(here, now):
                return None
            return Wish(PlanKind.CLOSE, here, long_inverse, f"roll to {month[0]}-{month[1]:02}")
        weekend = options.weekends is Weekends.CLOSE and self._is_near_a_closure(now)
        if spread:
            if weekend:
                return Wish(PlanKind.CLOSE, here, False, "a weekend")
            if self._reached(options.close_at, closes, price, above=not long_inverse):
                return Wish(PlanKind.CLOSE, here, False, f"a basis of {closes:.2f}")
            return None
        if self.automated and (self.opened or self._is_near_a_closure(now)):
            return None
        if weekend or opens is None or not self._wants_in(opens, price, long_inverse=long_inverse):
            return None
        return Wish(PlanKind.OPEN, month, options.collateral, f"a basis of {opens:.2f}")

    def _is_near_a_closure(self, now: datetime) -> bool:
        return any(one.start - BEFORE_A_WEEKEND <= now < one.end for one in self.closures)

    def _wants_in(self, basis: Decimal, price: Decimal, *, long_inverse: bool) -> bool:
        return self.options.open_at is None or self._reached(
            self.options.open_at, basis, price, above=long_inverse
        )

    @staticmethod
    def _reached(at: Threshold | None, basis: Decimal | None, price: Decimal, *, above: bool) -> bool:
        if at is None or basis is None:
            return False
        return basis >= at.usd(price) if above else basis <= at.usd(price)
