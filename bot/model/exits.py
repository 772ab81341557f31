"""When an open spread is to be taken down: rules on the basis that closing it would trade at."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from risk.direction import Action, Direction
from risk.orders import Side
from risk.terms import Kind


class ExitRule(StrEnum):
    """What has tripped."""

    STOP = "stop"
    TRAIL = "trailing stop"
    INVERSION = "inversion stop"
    PROFIT = "profit target"


@dataclass(frozen=True, slots=True)
class Exit:
    """Rules on the executable basis of closing (linear − inverse, USD per XBT); None or False: no such rule.

    ``stop``: the basis at which the loss is taken. ``trail``: as far from the best basis seen (USD, positive).
    ``inversion``: the basis has the sign with which convergence costs the position: below zero for long-inverse,
    above zero for short-inverse. ``profit``: the basis at which the result is taken. ``tranches``: in how many
    slices the spread is then closed. ``collateral``: whether the collateral's hedge is taken off too.
    """

    stop: Decimal | None = None
    trail: Decimal | None = None
    inversion: bool = False
    profit: Decimal | None = None
    tranches: int = 1
    collateral: bool = False

    def __post_init__(self) -> None:
        if self.stop is None and self.trail is None and self.profit is None and not self.inversion:
            raise ValueError(
                "an exit needs a rule: a stop, a trailing stop, an inversion stop or a profit target"
            )
        for name, value in (("stop", self.stop), ("trail", self.trail), ("profit", self.profit)):
            if value is not None and not value.is_finite():
                raise ValueError(f"{name} must be a basis in USD, not {value}")
        if self.trail is not None and self.trail <= 0:
            raise ValueError(f"a trailing stop's distance must be positive, not {self.trail}")
        if not 1 <= self.tranches <= 90:
            raise ValueError(f"an exit has 1 to 90 tranches, not {self.tranches}")

    def __str__(self) -> str:
        rules = [
            *([] if self.stop is None else [f"stop {self.stop:f}"]),
            *([] if self.trail is None else [f"trailing stop {self.trail:f}"]),
            *(["inversion stop"] if self.inversion else []),
            *([] if self.profit is None else [f"profit target {self.profit:f}"]),
        ]
        return ", ".join(rules)


def cost_sign(direction: Direction) -> int:
    """Return 1 where a rising basis costs the position (closing buys the linear leg), −1 where a falling one does."""
    return 1 if direction.side(Kind.LINEAR, Action.CLOSE) is Side.BUY else -1


def tripped(rules: Exit, direction: Direction, basis: Decimal, best: Decimal | None) -> ExitRule | None:
    """Return the rule that says to close at ``basis``; ``best``: the best basis seen, None where none is known."""
    sign = cost_sign(direction)
    if rules.stop is not None and sign * (basis - rules.stop) >= 0:
        return ExitRule.STOP
    if rules.trail is not None and best is not None and sign * (basis - best) >= rules.trail:
        return ExitRule.TRAIL
    if rules.inversion and sign * basis < 0:
        return ExitRule.INVERSION
    if rules.profit is not None and sign * (basis - rules.profit) <= 0:
        return ExitRule.PROFIT
    return None


def faults(rules: Exit, direction: Direction) -> str | None:
    """Return what does not fit the direction or together, None if all does."""
    sign = cost_sign(direction)
    if rules.stop is not None and rules.profit is not None and sign * (rules.stop - rules.profit) <= 0:
        where, moves = ("above", "rises") if sign > 0 else ("below", "falls")
        return (
            f"the stop must lie {where} the profit target, not {rules.stop:f} to {rules.profit:f}: a {direction} "
            f"spread loses while the basis {moves}"
        )
    return None
