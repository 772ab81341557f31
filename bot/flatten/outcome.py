"""How the emergency command ended, and the exposure that remains."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from risk.instruments import InstrumentId


class Ending(StrEnum):
    """FLAT: both venues said so, for long enough. PENDING: the rest waits for the linear market to open."""

    FLAT = "flat"
    PENDING = "pending"
    NOT_FLAT = "not flat"


@dataclass(frozen=True, slots=True)
class Word:
    """What was last heard of a position: contracts, their XBT (None without a price), when, and who said so."""

    contracts: int
    xbt: Decimal | None
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One contract in the end. ``contracts`` and ``xbt`` are None where its venue does not answer; then ``last`` is
    what was last heard, if anything. ``goal``: the contracts that were to stay. ``advice``: what a person can do."""

    instrument: InstrumentId
    contracts: int | None
    xbt: Decimal | None
    goal: int = 0
    last: Word | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``remaining_xbt``: Δ of what is left, wallet included; None while a part of it is not known. ``likely_xbt``
    counts what was last heard for that part; None without any. ``wallet_at``: set where that is not of now.

    ``live_orders``: orders in our contracts that may still fill. ``stops``: protective ones, still there.
    ``unmatched_xbt``: by how much the linear leg has been closed further than the inverse one could follow
    (bought > 0). ``closed``: what is left of the linear leg cannot be closed now; ``opens``: when its market opens.
    ``flat_after``: seconds until both venues said flat and stayed so.
    """

    ending: Ending
    legs: tuple[Leg, ...]
    unanswered: tuple[str, ...]
    live_orders: tuple[str, ...]
    stops: tuple[str, ...]
    foreign_orders: tuple[str, ...]
    orders_sent: int
    unmatched_xbt: Decimal
    wallet_xbt: Decimal | None
    wallet_at: datetime | None
    remaining_xbt: Decimal | None
    likely_xbt: Decimal | None
    closed: bool
    opens: datetime | None
    flat_after: float | None
    seconds: float

    @property
    def flat(self) -> bool:
        return self.ending is Ending.FLAT

    @property
    def positions(self) -> dict[InstrumentId, int]:
        return {leg.instrument: leg.contracts for leg in self.legs if leg.contracts is not None}


def total(wallet: Decimal | None, parts: list[Decimal | None]) -> Decimal | None:
    """Return their sum, None if any of them is not known."""
    if wallet is None or None in parts:
        return None
    return sum((part for part in parts if part is not None), start=wallet)
