"""What planning answers: the next tranche, why there is none now, or that nothing is left to do."""

from dataclasses import dataclass

from bot.model.ids import Role
from bot.model.ladders import BasisRange
from risk.instruments import InstrumentId
from risk.orders import Side


@dataclass(frozen=True, slots=True)
class LegDraft:
    """``contracts``: how many at the quotes of the moment (a hedge leg's real number follows the fills)."""

    role: Role
    instrument: InstrumentId
    side: Side
    contracts: int
    reduce_only: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """``basis``: at which basis it may be worked, where a ladder says so."""

    legs: tuple[LegDraft, ...]
    basis: BasisRange | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be drafted now; ``reason`` says what is missing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to do."""
