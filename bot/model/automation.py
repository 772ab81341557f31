"""What the watches of ``bot.automation`` are told; built from the profile, never changed while running.

A part that is None is switched off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from risk.capital import Stress
from risk.closures import Rules
from risk.direction import Direction
from risk.instruments import InstrumentId

MOST_STOPS = 10
"""Stops an inverse venue keeps in one contract (DOMAIN.md, section 3)."""


@dataclass(frozen=True, slots=True)
class Collateral:
    """When Δ is brought back to its target. ``band``: XBT it may be off. ``pause``: between two proposals. ``steady``:
    how long Δ must have been beyond the band, for what was just booked may not be all of it."""

    band: Decimal
    pause: timedelta
    steady: timedelta

    def __post_init__(self) -> None:
        if self.band <= 0:
            raise ValueError(f"the band of Δ must be positive, not {self.band} XBT")


@dataclass(frozen=True, slots=True)
class StopLimits:
    """The ladder of stops over a closure: at most so many ``rungs``, the last one ``margin`` (fraction of price) before
    the liquidation. Where that is further away than ``within`` (fraction of price), the collateral is enough and
    nothing rests. ``off_after``: how long both books are quoted after the open before the stops are taken off."""

    rungs: int
    margin: Decimal
    within: Decimal
    off_after: timedelta

    def __post_init__(self) -> None:
        if not 1 <= self.rungs <= MOST_STOPS:
            raise ValueError(f"a ladder has 1 to {MOST_STOPS} stops, not {self.rungs}")
        if not (0 < self.margin <= 1 and 0 < self.within <= 1):
            raise ValueError("the margin and reach of a ladder of stops are fractions of the price, up to 1")


@dataclass(frozen=True, slots=True)
class ClosureLimits:
    """How small the spread is made before a long closure, and when.

    ``rules``: which closures are long. ``stress``: what both accounts must survive, with ``buffer`` (fraction) to
    spare. ``lead``: how long before the closure a reduction is proposed; ``finish``: how long before it everything must
    be done. ``slice``: XBT of a tranche. ``pause``: between two proposals. ``rebuild_after``: how long after the open
    it is offered to build back, if the basis is at least ``rebuild_basis`` (fraction of price); None: never.
    ``stops``: what rests at the inverse venue meanwhile; None: nothing.
    """

    rules: Rules
    stress: Stress
    buffer: Decimal
    lead: timedelta
    finish: timedelta
    slice: Decimal
    pause: timedelta
    rebuild_after: timedelta | None = None
    rebuild_basis: Decimal = Decimal(0)
    stops: StopLimits | None = None

    def __post_init__(self) -> None:
        if not timedelta(0) < self.finish < self.lead:
            raise ValueError("a reduction must be proposed before it has to be finished")
        if self.slice <= 0:
            raise ValueError(f"a tranche must be a positive number of XBT, not {self.slice}")


@dataclass(frozen=True, slots=True)
class MarginLimits:
    """Levels of an account's distance to liquidation, as fractions of the price.

    Below ``top_up`` a transfer is asked for that brings it to ``aim``, above ``release`` what is beyond the aim may
    leave, at ``last`` the spread is proposed for reduction. ``broker_rate``: the least margin rate the broker is taken
    to ask. ``pause``: after which an instruction is repeated for the first time, and what is proposed again.
    Lead times until money can be used: ``wire_takes``, ``xbt_takes`` (a deposit at the inverse venue), ``bills_take``
    (T-bills at the broker sold for USD), ``sale_takes`` (XBT sold for USD, before the wire).
    """

    last: Decimal
    top_up: Decimal
    aim: Decimal
    release: Decimal
    broker_rate: Decimal
    pause: timedelta
    wire_takes: timedelta
    xbt_takes: timedelta
    bills_take: timedelta = timedelta(hours=24)
    sale_takes: timedelta = timedelta(hours=4)

    def __post_init__(self) -> None:
        if not 0 < self.last < self.top_up < self.aim < self.release:
            raise ValueError("the levels of margin must rise: last, top up, aim, release")


@dataclass(frozen=True, slots=True)
class OrphanLimits:
    """When a leg without its partner is answered: ``band``: XBT of Δ it must be worth. ``steady``: for how long it must
    have been so, with ledger and venues found to agree since. ``pause``: between two proposals."""

    band: Decimal
    steady: timedelta
    pause: timedelta


@dataclass(frozen=True, slots=True)
class CarryLimits:
    """When holding no longer pays. ``loss``: what it may be expected to cost (fraction of price) until the linear
    contract ends, or over ``horizon`` at most. ``commission``: the broker's, USD a contract. ``steady``: for how long;
    ``pause``: between two proposals."""

    loss: Decimal
    horizon: timedelta
    commission: Decimal
    steady: timedelta
    pause: timedelta


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """When the basis is worth an entry or an exit, as fractions of price. ``enter``: what must be left of it after all
    costs, in and out; ``leave``: the basis that closing may cost at most (None: no exit is proposed). ``size``: XBT,
    and ``tranches``, of an entry. ``commission``: the broker's, USD a contract. ``steady``, ``pause``: as above."""

    enter: Decimal
    leave: Decimal | None
    size: Decimal
    tranches: int
    commission: Decimal
    steady: timedelta
    pause: timedelta


class AtExpiry(StrEnum):
    """What becomes of a spread whose contract ends. CLOSE: it is taken down before. ROLL: the linear leg goes into the
    next month before. SETTLE: the contract is held to its settlement, and the other leg taken off in slices while the
    settlement price is averaged."""

    CLOSE = "close"
    ROLL = "roll"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class ExpiryLimits:
    """``warn``: how long before a contract's end it is said, every day. ``lead``: how long before its end (SETTLE: its
    averaging) the plan is proposed. ``inverse_window``, ``linear_window``: how long the settlement price is averaged
    over. ``slices``: of the other leg, or of the roll; ``pause``: between two proposals."""

    what: AtExpiry
    warn: timedelta
    lead: timedelta
    inverse_window: timedelta
    linear_window: timedelta
    slices: int
    pause: timedelta


@dataclass(frozen=True, slots=True)
class SettlementLimits:
    """When the venues' indices count as apart, and are said to be.

    ``apart``: from this difference on (fraction of price), for so long as ``steady``; ``together``: over once it is no
    more than this. ``near``: how long before the first end of what is held. ``converges``: how long before its end a
    contract's own price stands in for its index. ``max_age``: of an index. ``pause``: before the first reminder.
    """

    apart: Decimal
    together: Decimal
    near: timedelta
    converges: timedelta
    max_age: timedelta
    steady: timedelta
    pause: timedelta

    def __post_init__(self) -> None:
        if not 0 < self.together < self.apart:
            raise ValueError(
                "indices must be nearer to one another to count as together than to count as apart"
            )


@dataclass(frozen=True, slots=True)
class Automation:
    """``inverse``, ``linear``, ``direction``: the pair the profile trades, and which way round where the positions do
    not say. ``next_linear``, ``next_inverse``: what the legs are rolled into, where the profile names it.
    ``target_delta``: XBT the owner wants unhedged."""

    inverse: InstrumentId
    linear: InstrumentId
    direction: Direction
    target_delta: Decimal = Decimal(0)
    collateral: Collateral | None = None
    closure: ClosureLimits | None = None
    margin: MarginLimits | None = None
    orphan: OrphanLimits | None = None
    carry: CarryLimits | None = None
    edge: EdgeLimits | None = None
    expiry: ExpiryLimits | None = None
    settlement: SettlementLimits | None = None
    next_linear: InstrumentId | None = None
    next_inverse: InstrumentId | None = None

    @property
    def contracts(self) -> tuple[InstrumentId, ...]:
        """All of them, the inverse leg's first."""
        return (*self.inverses, *self.months)

    @property
    def inverses(self) -> tuple[InstrumentId, ...]:
        """The inverse leg's, the nearest first."""
        return (self.inverse,) if self.next_inverse is None else (self.inverse, self.next_inverse)

    def next_of(self, leg: InstrumentId) -> InstrumentId | None:
        """Return the contract a leg is rolled into, None where the profile names none."""
        return {self.inverse: self.next_inverse, self.linear: self.next_linear}.get(leg)

    def partner_of(self, leg: InstrumentId) -> InstrumentId:
        """Return the other leg, also of a month that is entered only."""
        return self.linear if leg in self.inverses else self.inverse

    @property
    def months(self) -> tuple[InstrumentId, ...]:
        """The linear leg's, the nearest first."""
        return (self.linear,) if self.next_linear is None else (self.linear, self.next_linear)

    def followed(self, positions: Mapping[InstrumentId, int]) -> "Automation":
        """Return the pair as it is held: once a leg's old month is flat and the next one is not, that is the leg.
        What is held says so, and so it stays over a restart."""
        found = self
        if self.next_linear is not None and not positions[self.linear] and positions[self.next_linear]:
            found = replace(found, linear=self.next_linear, next_linear=None)
        if self.next_inverse is not None and not positions[self.inverse] and positions[self.next_inverse]:
            found = replace(found, inverse=self.next_inverse, next_inverse=None)
        return found
