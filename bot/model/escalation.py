"""How a hedge pays up: the rungs it climbs, each further through the best price than the one before."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

_NOW = timedelta(0)


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung: how far through the best price, as a ``fraction`` of it or in ``ticks`` of the contract; ``after``: so
    long after the order on the rung before was sent."""

    fraction: Decimal | None = None
    ticks: int | None = None
    after: timedelta = _NOW

    def __post_init__(self) -> None:
        if (self.fraction is None) == (self.ticks is None):
            raise ValueError("a rung is a fraction of the price, or ticks: one of them")
        if self.fraction is not None and self.fraction < 0:
            raise ValueError(f"a rung does not stay behind the best price: {self.fraction}")
        if self.ticks is not None and self.ticks < 0:
            raise ValueError(f"a rung does not stay behind the best price: {self.ticks} ticks")
        if self.after < _NOW:
            raise ValueError(f"a rung waits for no time that has passed: {self.after}")

    def distance(self, touch: Decimal, tick: Decimal) -> Decimal:
        """Return how far through ``touch`` it goes, in USD per XBT."""
        return touch * self.fraction if self.fraction is not None else (self.ticks or 0) * tick


def objection(rungs: tuple[Rung, ...], hard_band: Decimal) -> str | None:
    """Return what is wrong with a ladder that ends at ``hard_band`` (a fraction); None if nothing is.

    Ticks and fractions can be compared at a price only: each kind must rise by itself.
    """
    if not rungs:
        return "pay_up has no rung"
    fractions = [rung.fraction for rung in rungs if rung.fraction is not None]
    ticks = [rung.ticks for rung in rungs if rung.ticks is not None]
    if fractions != sorted(fractions) or ticks != sorted(ticks):
        return "pay_up must rise: no rung pays less than one before it"
    if fractions and fractions[-1] > hard_band:
        return "pay_up must stay within hard_band"
    if rungs[0].after > _NOW:
        return "the first rung of pay_up waits for nothing: what has filled is hedged at once"
    return None
