"""What the watches of ``bot.automation`` are told; built from the profile, never changed while running.

A part that is None is switched off.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from risk.direction import Direction
from risk.instruments import InstrumentId


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
class Automation:
    """``inverse``, ``linear``, ``direction``: the pair the profile trades, and which way round where the positions do
    not say. ``target_delta``: XBT the owner wants unhedged."""

    inverse: InstrumentId
    linear: InstrumentId
    direction: Direction
    target_delta: Decimal = Decimal(0)
    collateral: Collateral | None = None
