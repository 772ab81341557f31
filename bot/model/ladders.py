"""A ladder: each tranche of a plan with the basis at which it may be worked."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from risk.direction import Action, Direction
from risk.orders import Side
from risk.terms import Kind

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class BasisRange:
    """From ``least`` to ``most`` (USD per XBT), both included; None: open on that side."""

    least: Decimal | None = None
    most: Decimal | None = None

    def __post_init__(self) -> None:
        for limit in (self.least, self.most):
            if limit is not None and not limit.is_finite():
                raise ValueError(f"a basis limit must be a number, not {limit}")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"no basis is at least {self.least} and at most {self.most}")

    def __contains__(self, basis: Decimal) -> bool:
        above = self.least is None or basis >= self.least
        return above and (self.most is None or basis <= self.most)

    def __str__(self) -> str:
        match self.least, self.most:
            case None, None:
                return "any basis"
            case least, None:
                return f"a basis of at least {least:f}"
            case None, most:
                return f"a basis of at most {most:f}"
            case least, most:
                return f"a basis from {least:f} to {most:f}"


@dataclass(frozen=True, slots=True)
class Rung:
    """One tranche: ``xbt`` of the spread, worked while the executable basis is in ``basis``."""

    xbt: Decimal
    basis: BasisRange

    def __post_init__(self) -> None:
        if not (self.xbt.is_finite() and self.xbt > 0):
            raise ValueError(f"a tranche's size must be a positive number of XBT, not {self.xbt}")

    def __str__(self) -> str:
        return f"{self.xbt.normalize():f} XBT at {self.basis}"


def favourable(direction: Direction, action: Action, limit: Decimal) -> BasisRange:
    """Return the basis no worse than ``limit``: what sells the linear leg takes the basis in and wants it high."""
    if direction.side(Kind.LINEAR, action) is Side.SELL:
        return BasisRange(least=limit)
    return BasisRange(most=limit)


def even_rungs(
    direction: Direction,
    action: Action,
    size: Decimal,
    tranches: int,
    step: Decimal,
    first: Decimal,
    last: Decimal,
) -> tuple[Rung, ...]:
    """Return ``tranches`` rungs of ``size`` (XBT) in all, their limits evenly from ``first`` to ``last``.

    Sizes are whole ``step`` (XBT of one linear lot), the larger first; limits are rounded to the cent. Raises
    ValueError where there are fewer steps than tranches.
    """
    lots = int(size / step)
    each, larger = divmod(lots, tranches)
    if not each:
        raise ValueError(f"{size} XBT are {lots} lots of {step} XBT: too few for {tranches} tranches")
    between = Decimal(0) if tranches == 1 else (last - first) / (tranches - 1)
    return tuple(
        Rung(
            (each + (number < larger)) * step,
            favourable(direction, action, (first + number * between).quantize(_CENT, ROUND_HALF_EVEN)),
        )
        for number in range(tranches)
    )


def total(rungs: Iterable[Rung]) -> Decimal:
    """Return the XBT of all rungs."""
    return sum((rung.xbt for rung in rungs), Decimal(0))
