"""A plan: the intent behind a series of tranches."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bot.model.ids import is_plan_id
from bot.model.legging import Legging
from risk.direction import Direction
from risk.instruments import InstrumentId


class PlanKind(StrEnum):
    """OPEN builds the spread (and the collateral hedge it needs); CLOSE takes it down."""

    OPEN = "open"
    CLOSE = "close"


class PlanStatus(StrEnum):
    ACTIVE = "active"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """What was asked for.

    ``size_xbt``: the spread's size for OPEN; for CLOSE the size to take down, None for all of it. ``tranches``:
    how many slices. ``collateral``: OPEN hedges the inverse wallet first, CLOSE takes that hedge off last
    (which leaves the wallet's XBT naked: the ticket says so). ``min_basis``/``max_basis`` bound the executable
    basis (linear − inverse, USD per XBT) of working orders. ``target_delta``: XBT the owner wants unhedged.
    ``legging``: how the pair is worked.
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

    def __post_init__(self) -> None:
        if not is_plan_id(self.plan_id):
            raise ValueError(f"a plan's id has 1 to 12 digits or small letters, not {self.plan_id!r}")
        if self.tranches < 1 or self.tranches > 90:
            raise ValueError(f"a plan has 1 to 90 tranches, not {self.tranches}")
        if self.size_xbt is not None and not (self.size_xbt.is_finite() and self.size_xbt > 0):
            raise ValueError(f"a plan's size must be a positive number of XBT, not {self.size_xbt}")
        if self.kind is PlanKind.OPEN and self.size_xbt is None:
            raise ValueError("a plan that opens needs a size")
        if self.inverse == self.linear:
            raise ValueError("the two legs of a plan are two contracts")
