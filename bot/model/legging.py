"""How a plan's two legs are worked: which goes first, how it is priced, and what the other venue must hold."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from risk.terms import Kind


class Style(StrEnum):
    """How the working leg is priced. MARKETABLE takes (immediate or cancel, a few ticks through the best price). The
    others rest: JOIN at the best price of its own side, IMPROVE a tick before it, EDGE where the hedge venue's price
    and the plan's basis limit put it: it quotes the edge of the spread."""

    MARKETABLE = "marketable"
    JOIN = "join"
    IMPROVE = "improve"
    EDGE = "edge"

    @property
    def rests(self) -> bool:
        return self is not Style.MARKETABLE


@dataclass(frozen=True, slots=True)
class Legging:
    """``working``: the kind of contract that goes first; the other one hedges. ``slop_ticks``: how many ticks a
    MARKETABLE order goes through the best price, and how far the price of a resting one may be from where it should
    be before it is re-priced (None: the profile's). ``reprices_per_minute``: working orders that rest, a minute.
    ``min_lean_xbt``: least XBT at the hedge venue's best price; ``depth_multiple``: the same as a multiple of the
    working order's own size. Nothing is worked while there is less, or a smaller order is.
    """

    working: Kind = Kind.LINEAR
    style: Style = Style.MARKETABLE
    slop_ticks: int | None = None
    reprices_per_minute: int = 12
    min_lean_xbt: Decimal = Decimal(0)
    depth_multiple: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.slop_ticks is not None and not 0 <= self.slop_ticks <= 1000:
            raise ValueError(f"slop runs from 0 to 1000 ticks, not {self.slop_ticks}")
        if not 1 <= self.reprices_per_minute <= 120:
            raise ValueError(
                f"a resting order is re-priced 1 to 120 times a minute, not {self.reprices_per_minute}"
            )
        for name, value in (("min_lean_xbt", self.min_lean_xbt), ("depth_multiple", self.depth_multiple)):
            if not value.is_finite() or value < 0:
                raise ValueError(f"{name} must not be {value}")
