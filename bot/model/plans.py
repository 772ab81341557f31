"""A plan: the intent behind a series of tranches."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.model.exits import Exit, faults
from bot.model.ids import Role, is_plan_id
from bot.model.ladders import Rung, total
from bot.model.legging import Legging
from risk.direction import Action, Direction
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.standing import Use
from risk.stops import StopLadder

_LONGEST_PAUSE = 7 * 24 * 3600


class PlanKind(StrEnum):
    """OPEN builds the spread (and the collateral hedge it needs); CLOSE takes it down; SINGLE trades one contract,
    to bring Δ nearer to its target; ROLL takes a leg out of one month and into a later one. PROTECT rests a
    ladder of stops at the inverse venue over a closure."""

    OPEN = "open"
    CLOSE = "close"
    SINGLE = "single"
    PROTECT = "protect"
    ROLL = "roll"


class Cause(StrEnum):
    """Who or what a plan comes from: a person, the exit of a plan, or one of the watches of ``bot.automation``."""

    PERSON = "person"
    EXIT = "exit"
    COLLATERAL = "collateral"
    MARGIN = "margin"
    CLOSURE = "closure"
    STOPS = "stops"
    REBUILD = "rebuild"
    EXPIRY = "expiry"
    ORPHAN = "orphan"
    CARRY = "carry"
    BASIS = "basis"


_USES = {
    Cause.COLLATERAL: Use.COLLATERAL,
    Cause.MARGIN: Use.REDUCE,
    Cause.CLOSURE: Use.REDUCE,
    Cause.STOPS: Use.REDUCE,
    Cause.EXPIRY: Use.ROLL,
    Cause.ORPHAN: Use.ORPHAN,
}


class PlanStatus(StrEnum):
    ACTIVE = "active"
    DONE = "done"
    STOPPED = "stopped"


class ApprovalMode(StrEnum):
    """ARMED asks for both legs of a tranche before the first is sent; SEQUENTIAL for the hedge once the working leg has
    filled."""

    ARMED = "armed"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True, slots=True)
class Single:
    """One contract traded by itself. ``contracts``: all slices together, whole lots."""

    instrument: InstrumentId
    side: Side
    contracts: int
    reduce_only: bool

    def __post_init__(self) -> None:
        if self.contracts < 1:
            raise ValueError(f"a plan trades at least one contract, not {self.contracts}")


@dataclass(frozen=True, slots=True)
class Protection:
    """Stops that rest at the inverse venue. ``until``: the end of the closure they are for, and of the right to send
    them; they are taken off soon after it, once both books are quoted."""

    ladder: StopLadder
    until: datetime

    def __post_init__(self) -> None:
        if not self.ladder.rungs or any(rung.contracts < 1 for rung in self.ladder.rungs):
            raise ValueError("a ladder of stops has rungs, each of at least one contract")
        if len({rung.trigger for rung in self.ladder.rungs}) < len(self.ladder.rungs):
            raise ValueError("each rung of a ladder of stops has a trigger of its own")

    def __str__(self) -> str:
        triggers = ", ".join(f"{rung.contracts} at {rung.trigger:f}" for rung in self.ladder.rungs)
        return f"stops that {self.ladder.side} {triggers}"


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """What was asked for.

    ``size_xbt``: the spread's size for OPEN; for CLOSE the size to take down, None for all of it. ``tranches``:
    how many slices. ``collateral``: OPEN hedges the inverse wallet first, CLOSE takes that hedge off last
    (which leaves the wallet's XBT naked: the ticket says so). ``min_basis``/``max_basis`` bound the executable
    basis (linear − inverse, USD per XBT) of working orders. ``target_delta``: XBT the owner wants unhedged.
    ``legging``: how the pair is worked. ``approval``: when the hedge leg is asked for.

    ``ladder``: what each tranche is worth and the basis it is worked at, in order; empty: equal slices within the
    plan's own limits. ``pause``: seconds between two tranches. ``exit``: when what an OPEN plan has opened is to be
    taken down again; ``exit_of``: the plan whose exit this CLOSE plan carries out.
    ``cause`` and ``why``: what proposed the plan, and its reason in a sentence. ``single``: of a SINGLE plan.
    ``not_before``: no ticket is raised sooner. ``stops``: of a PROTECT plan.

    Of a ROLL the pair is two months of one venue: ``inverse`` holds the old one and ``linear`` the new one, so that
    the basis is the calendar spread, new − old. ``direction`` is theirs as a pair: LONG_INVERSE buys the old month
    back and sells the new one. ``size_xbt``: None for all of it. The old month is worked, whatever ``legging`` says
    (see ``bot.orders.rolling``).
    """

    plan_id: str
    kind: PlanKind
    direction: Direction
    inverse: InstrumentId
    linear: InstrumentId
    size_xbt: Decimal | None
    tranches: int
    collateral: bool
    proposed_by: str
    min_basis: Decimal | None = None
    max_basis: Decimal | None = None
    target_delta: Decimal = Decimal(0)
    legging: Legging = field(default_factory=Legging)
    ladder: tuple[Rung, ...] = ()
    pause: float = 0.0
    exit: Exit | None = None
    exit_of: str = ""
    cause: Cause = Cause.PERSON
    why: str = ""
    single: Single | None = None
    approval: ApprovalMode = ApprovalMode.ARMED
    not_before: datetime | None = None
    stops: Protection | None = None

    def __post_init__(self) -> None:
        if not is_plan_id(self.plan_id):
            raise ValueError(f"a plan's id has 1 to 12 digits or small letters, not {self.plan_id!r}")
        if self.tranches < 1 or self.tranches > 90:
            raise ValueError(f"a plan has 1 to 90 tranches, not {self.tranches}")
        if self.size_xbt is not None and not (self.size_xbt.is_finite() and self.size_xbt > 0):
            raise ValueError(f"a plan's size must be a positive number of XBT, not {self.size_xbt}")
        if self.kind is PlanKind.OPEN and self.size_xbt is None:
            raise ValueError("a plan that opens needs a size")
        if (self.kind is PlanKind.SINGLE) is not (self.single is not None):
            raise ValueError("a plan of one contract, and only such a plan, says which")
        if (self.kind is PlanKind.PROTECT) is not (self.stops is not None):
            raise ValueError("a plan of protective stops, and only such a plan, says which")
        if self.single is not None and self.single.instrument not in (self.inverse, self.linear):
            raise ValueError(f"{self.single.instrument} is neither {self.inverse} nor {self.linear}")
        if self.inverse == self.linear:
            raise ValueError("the two legs of a plan are two contracts")
        if self.is_roll and self.inverse.venue != self.linear.venue:
            raise ValueError(f"a roll stays at its venue: {self.inverse} and {self.linear} are at two")
        if self.is_roll and (self.collateral or self.ladder):
            raise ValueError("a roll has neither a ladder nor a hedge of the collateral")
        if not 0 <= self.pause <= _LONGEST_PAUSE:
            raise ValueError(
                f"the pause between tranches runs from 0 to {_LONGEST_PAUSE} seconds, not {self.pause}"
            )
        self._check_ladder()
        self._check_exit()

    def _check_ladder(self) -> None:
        if not self.ladder:
            return
        if len(self.ladder) != self.tranches:
            raise ValueError(f"the ladder has {len(self.ladder)} tranches, the plan {self.tranches}")
        if self.size_xbt is not None and total(self.ladder) != self.size_xbt:
            raise ValueError(
                f"the ladder's tranches come to {total(self.ladder)} XBT, the plan to {self.size_xbt}"
            )
        if self.min_basis is not None or self.max_basis is not None:
            raise ValueError("the tranches of a ladder have their own basis limits: leave the plan's out")

    def _check_exit(self) -> None:
        if self.exit is not None and self.kind is not PlanKind.OPEN:
            raise ValueError("an exit belongs to a plan that opens")
        problem = None if self.exit is None else faults(self.exit, self.direction)
        if problem is not None:
            raise ValueError(problem)
        if self.exit_of and self.kind is not PlanKind.CLOSE:
            raise ValueError("an exit is carried out by a plan that closes")

    @property
    def is_roll(self) -> bool:
        return self.kind is PlanKind.ROLL

    @property
    def contracts(self) -> tuple[InstrumentId, ...]:
        """What it trades: its pair, or one contract by itself."""
        return (self.inverse, self.linear) if self.single is None else (self.single.instrument,)

    @property
    def action(self) -> Action:
        """What its pairs do to ``linear``: a roll opens the new month."""
        return Action.OPEN if self.kind in (PlanKind.OPEN, PlanKind.ROLL) else Action.CLOSE

    @property
    def enlarges(self) -> bool:
        """Say whether it does more than take off what is held."""
        if self.single is not None:
            return not self.single.reduce_only
        return self.kind is PlanKind.OPEN

    def use_of(self, role: Role) -> Use:
        """Return what a tranche led by ``role`` is for, as a standing approval sees it."""
        if self.cause in _USES:
            return _USES[self.cause]
        if self.is_roll:
            return Use.ROLL
        if role is Role.SINGLE:
            return Use.COLLATERAL  # a leg alone is the collateral's hedge, or what is left of it
        return Use.OPEN if self.kind is PlanKind.OPEN else Use.CLOSE
