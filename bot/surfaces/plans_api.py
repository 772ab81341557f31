"""What a plan's ladder and its exit are over HTTP."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.model.exits import Exit
from bot.model.ladders import BasisRange, Rung, even_rungs
from bot.model.plans import PlanKind
from bot.orders.market import Market
from bot.orders.state import BotState
from risk.direction import Action, Direction
from risk.instruments import InstrumentId
from risk.sizing import paired_reduction

Size = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=16, decimal_places=8)]
Basis = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=16, decimal_places=8)]
Pause = Annotated[float, Field(ge=0, le=7 * 24 * 3600, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewRung(_Body):
    """One tranche: worked while the executable basis is between the two."""

    size_xbt: Size
    min_basis: Basis | None = None
    max_basis: Basis | None = None

    def settled(self) -> Rung:
        """Return the rung. Raises ValueError where no basis is in its range."""
        return Rung(self.size_xbt, BasisRange(self.min_basis, self.max_basis))


class NewExit(_Body):
    """Rules on the basis that closing would trade at (USD per XBT). ``trail``: as far from the best one seen.
    ``inversion``: it has changed its sign against the position. ``tranches``: in how many slices it is closed."""

    stop: Basis | None = None
    trail: Size | None = None
    inversion: bool = False
    profit: Basis | None = None
    tranches: Annotated[int, Field(ge=1, le=90)] = 1
    collateral: bool = False

    def settled(self) -> Exit:
        """Return the rules. Raises ValueError where there is none."""
        return Exit(**dict(self))


def even(
    state: BotState,
    market: Market,
    pair: tuple[InstrumentId, InstrumentId],
    direction: Direction,
    kind: PlanKind,
    size: Decimal | None,
    tranches: int,
    ends: tuple[Decimal, Decimal],
) -> tuple[Rung, ...]:
    """Return equal tranches from one basis to another. ``pair``: inverse and linear; ``size``: None for all pairs that
    are held, at the prices of the moment. Raises ValueError."""
    inverse, linear = (state.instruments.get(key) for key in pair)
    price = market.last_mids.get(pair[0])
    if inverse is None or linear is None or price is None:
        raise ValueError("a ladder needs contracts that are loaded, and a quote (see: basisbot status)")
    if size is None:
        held = [state.positions[key] for key in pair]
        if held[0] * held[1] >= 0:
            raise ValueError("there is no pair of positions to close on a ladder")
        whole = abs(inverse.xbt(held[0], price))
        size = linear.xbt(
            abs(paired_reduction(inverse, held[0], linear, held[1], whole, price).linear), price
        )
    action = Action.OPEN if kind is PlanKind.OPEN else Action.CLOSE
    return even_rungs(direction, action, size, tranches, linear.granule(price), *ends)
