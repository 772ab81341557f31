"""A standing approval: what may be done while everybody sleeps, how much of it, and until when.

A ticket that one wholly contains, within its budgets, needs no person any more. Pure: which approvals there are, what
they have been used for and whether anything suspends them is for the caller to know.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from risk.approval import Denied
from risk.direction import Action, Direction
from risk.instruments import InstrumentId, positive
from risk.orders import Side
from risk.terms import NOISE, Kind

DAY = timedelta(days=1)


class Use(StrEnum):
    """What a tranche is for. REDUCE: smaller before a closure. COLLATERAL: the hedge of XBT held as margin. ORPHAN:
    a leg whose partner is gone. ROLL: into the next expiry."""

    OPEN = "open"
    CLOSE = "close"
    REDUCE = "reduce"
    COLLATERAL = "collateral"
    ORPHAN = "orphan"
    ROLL = "roll"


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing that may be traded. ``reduce_only``: only what takes a position down."""

    use: Use
    instrument: InstrumentId
    side: Side
    reduce_only: bool

    def holds(self, use: Use, asked: "Asked") -> bool:
        if (self.use, self.instrument, self.side) != (use, asked.instrument, asked.side):
            return False
        return asked.reduce_only or not self.reduce_only


@dataclass(frozen=True, slots=True)
class Asked:
    """A leg that wants approval. ``xbt``: its size; ``leads``: it goes first or alone, and starts what the basis limits
    (USD) bound; prices in USD per XBT."""

    instrument: InstrumentId
    side: Side
    reduce_only: bool
    xbt: Decimal
    price_low: Decimal
    price_high: Decimal
    min_basis: Decimal | None = None
    max_basis: Decimal | None = None
    leads: bool = True


@dataclass(frozen=True, slots=True)
class Spent:
    """XBT a standing approval has been used for: on the UTC day it is now, and since it was given."""

    today: Decimal = Decimal(0)
    in_all: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class StandingApproval:
    """What a person allowed for a while.

    ``daily_xbt`` and ``total_xbt`` bound what the leading legs of tranches come to: by the UTC day of their approval,
    and in all. ``max_delta_xbt``: the largest change of Δ one action may make: of a leg alone its size, of a pair what
    is naked while it works. ``max_ticket_xbt``: the largest tranche. ``price_low`` to ``price_high`` (USD per XBT)
    must contain each leg's sanity band, ``min_basis`` to ``max_basis`` the leading leg's basis limit. In force before
    ``ends_at``.
    """

    standing_id: str
    scopes: tuple[Scope, ...]
    daily_xbt: Decimal
    total_xbt: Decimal
    max_delta_xbt: Decimal
    price_low: Decimal
    price_high: Decimal
    ends_at: datetime
    by: str
    min_basis: Decimal | None = None
    max_basis: Decimal | None = None
    max_ticket_xbt: Decimal | None = None

    def __post_init__(self) -> None:
        if not self.scopes:
            raise ValueError("a standing approval must say what it is for")
        for name in ("daily_xbt", "total_xbt", "max_delta_xbt", "max_ticket_xbt"):
            size = getattr(self, name)
            if size is not None and not (size.is_finite() and size > 0):
                raise ValueError(f"{name} must be a positive number of XBT, not {size}")
        if self.daily_xbt > self.total_xbt:
            raise ValueError(f"a day's {self.daily_xbt} XBT are more than the {self.total_xbt} XBT in all")
        if positive(self.price_low) > positive(self.price_high):
            raise ValueError(f"not a price band: {self.price_low} to {self.price_high}")
        limits = [limit for limit in (self.min_basis, self.max_basis) if limit is not None]
        if not all(limit.is_finite() for limit in limits):
            raise ValueError("a basis limit must be a number")
        if len(limits) == 2 and limits[0] > limits[1]:
            raise ValueError(f"no basis is at least {self.min_basis} and at most {self.max_basis}")
        if self.ends_at.tzinfo is None:
            raise ValueError("a standing approval's end must be an aware time")

    @property
    def uses(self) -> tuple[Use, ...]:
        return tuple(dict.fromkeys(scope.use for scope in self.scopes))

    def content_hash(self) -> str:
        """Return the first 16 hex digits of SHA-256 over every field: what a person has seen before it is recorded."""
        numbers = (
            self.daily_xbt,
            self.total_xbt,
            self.max_delta_xbt,
            self.price_low,
            self.price_high,
            self.min_basis,
            self.max_basis,
            self.max_ticket_xbt,
        )
        fields = [self.standing_id, self.ends_at.isoformat(), self.by]
        fields += [f"{s.use} {s.instrument} {s.side} {s.reduce_only}" for s in self.scopes]
        fields += ["none" if each is None else format(each.normalize(), "f") for each in numbers]
        return hashlib.sha256("|".join(fields).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class StandingLimits:
    """What no standing approval may exceed. ``price_band``: a fraction of the price when it is given."""

    longest: timedelta
    daily_xbt: Decimal
    total_xbt: Decimal
    price_band: Decimal


def too_wide(
    standing: StandingApproval, limits: StandingLimits, prices: Iterable[Decimal], now: datetime
) -> Denied | None:
    """Return which of the profile's limits a standing approval exceeds; ``prices``: of its contracts now."""
    if standing.ends_at <= now:
        return Denied("STANDING_ENDED", f"an end after {now:%F %T}Z", f"{standing.ends_at:%F %T}Z")
    latest = now + limits.longest
    if standing.ends_at > latest:
        return Denied(
            "STANDING_TOO_WIDE",
            f"end it by {latest:%F %H:%M}Z (limits.standing_days)",
            f"its end is {standing.ends_at:%F %H:%M}Z",
        )
    for name, given, most in (
        ("a day", standing.daily_xbt, limits.daily_xbt),
        ("in all", standing.total_xbt, limits.total_xbt),
    ):
        if given > most:
            key = "standing_daily_xbt" if name == "a day" else "standing_total_xbt"
            return Denied(
                "STANDING_TOO_WIDE", f"allow at most {most} XBT {name} (limits.{key})", f"it is {given} XBT"
            )
    if standing.max_delta_xbt > standing.daily_xbt:
        return Denied(
            "STANDING_TOO_WIDE",
            f"let one action change Δ by no more than the day's {standing.daily_xbt} XBT",
            f"it is {standing.max_delta_xbt} XBT",
        )
    for price in prices:
        low, high = price * (1 - limits.price_band), price * (1 + limits.price_band)
        if standing.price_low < low or standing.price_high > high:
            return Denied(
                "STANDING_TOO_WIDE",
                f"keep its prices within {low:.0f} to {high:.0f} (limits.standing_price_band_percent)",
                f"they are {standing.price_low:f} to {standing.price_high:f}",
            )
    return None


def refusal(
    standing: StandingApproval,
    use: Use,
    legs: Sequence[Asked],
    naked_xbt: Decimal,
    spent: Spent,
    at: datetime,
) -> Denied | None:
    """Return the first limit of a standing approval that a tranche breaks, None if it holds all of it.

    ``naked_xbt``: by how much the tranche may change Δ, for good or while it works.
    """
    for leg in legs:
        if not any(scope.holds(use, leg) for scope in standing.scopes):
            only = ", reduce-only" if leg.reduce_only else ""
            return Denied("STANDING_SCOPE", _scopes(standing), f"{use}: {leg.side} {leg.instrument}{only}")
    if at >= standing.ends_at:
        return Denied("STANDING_ENDED", f"before {standing.ends_at:%F %T}Z", f"{at:%F %T}Z")
    for leg in legs:
        if leg.price_low < standing.price_low or leg.price_high > standing.price_high:
            return Denied(
                "STANDING_PRICE",
                f"{standing.price_low:f} to {standing.price_high:f}",
                f"{leg.instrument} from {leg.price_low:f} to {leg.price_high:f}",
            )
    size = sum((leg.xbt for leg in legs if leg.leads), Decimal(0))
    return (
        _basis(standing, [leg for leg in legs if leg.leads])
        or _room("STANDING_TICKET", standing.max_ticket_xbt, Decimal(0), size)
        or _room("STANDING_DELTA", standing.max_delta_xbt, Decimal(0), naked_xbt)
        or _room("STANDING_DAY", standing.daily_xbt, spent.today, size)
        or _room("STANDING_TOTAL", standing.total_xbt, spent.in_all, size)
    )


def scopes_for(
    uses: Iterable[Use],
    direction: Direction,
    inverse: InstrumentId,
    linear: InstrumentId,
    *,
    either_venue: bool = False,
    next_linear: InstrumentId | None = None,
    next_inverse: InstrumentId | None = None,
) -> tuple[Scope, ...]:
    """Return what ``uses`` come to for a spread held in ``direction``.

    The collateral's hedge is a short at the spread's own short leg. ``either_venue``: or at the other one, whichever is
    open: there it makes the spread's long leg smaller or larger, and later moves back, as a pair. A roll opens in
    ``next_linear`` or ``next_inverse``, the month that comes after, and closes on both sides of what ends. A leg that
    stands alone is reduced whichever way it stands: what fills late may have turned it.
    """
    legs = ((linear, Kind.LINEAR), (inverse, Kind.INVERSE))
    found: list[Scope] = []
    for use in dict.fromkeys(uses):
        if use is Use.OPEN:
            found += [Scope(use, key, direction.side(kind, Action.OPEN), False) for key, kind in legs]
        elif use is Use.COLLATERAL:
            home, away = (linear, inverse) if direction is Direction.LONG_INVERSE else (inverse, linear)
            found += [Scope(use, home, Side.SELL, False), Scope(use, home, Side.BUY, True)]
            if either_venue:
                found += [Scope(use, away, side, False) for side in (Side.SELL, Side.BUY)]
        elif use is Use.ROLL:
            found += [Scope(use, key, direction.side(kind, Action.CLOSE), True) for key, kind in legs]
            found.append(Scope(use, next_linear or linear, direction.side(Kind.LINEAR, Action.OPEN), False))
            if next_inverse is not None:
                found.append(Scope(use, next_inverse, direction.side(Kind.INVERSE, Action.OPEN), False))
        elif use is Use.ORPHAN:
            for action in (Action.CLOSE, Action.OPEN):
                found += [Scope(use, key, direction.side(kind, action), True) for key, kind in legs]
        else:
            found += [Scope(use, key, direction.side(kind, Action.CLOSE), True) for key, kind in legs]
    return tuple(found)


def _scopes(standing: StandingApproval) -> str:
    return "; ".join(
        f"{scope.use}: {scope.side} {scope.instrument}{', reduce-only' if scope.reduce_only else ''}"
        for scope in standing.scopes
    )


def _basis(standing: StandingApproval, leads: Sequence[Asked]) -> Denied | None:
    """A limit of the ticket's must be at least as tight; a ticket without one is not."""
    low, high = standing.min_basis, standing.max_basis
    for leg in leads:
        if low is not None and (leg.min_basis is None or leg.min_basis < low):
            return Denied("STANDING_BASIS", f"a limit of at least {low:f}", f"{leg.min_basis or 'no limit'}")
        if high is not None and (leg.max_basis is None or leg.max_basis > high):
            return Denied("STANDING_BASIS", f"a limit of at most {high:f}", f"{leg.max_basis or 'no limit'}")
    return None


def _room(code: str, most: Decimal | None, used: Decimal, wanted: Decimal) -> Denied | None:
    if most is None or used + wanted <= most + NOISE:
        return None
    left = max(most - used, Decimal(0))
    return Denied(code, f"{left.normalize():f} XBT left of {most:f}", f"{wanted.normalize():f} XBT")
