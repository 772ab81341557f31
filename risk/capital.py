"""How large a spread some capital carries through a gap, and where the capital has to lie.

Both legs must survive the configured moves by themselves: the inverse one on the XBT at its venue (DOMAIN.md,
section 3, "Gap size": cross margin), the linear one on the USD at the broker, at the broker's margin rate after the
move. The whole XBT is hedged, as always: by linear contracts for long-inverse, which need USD margin too, by inverse
ones for short-inverse, which need XBT margin too.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from risk.direction import Direction
from risk.instruments import positive
from risk.margin import gap_size, linear_gap_equity
from risk.sizing import collateral_needed


@dataclass(frozen=True, slots=True)
class Stress:
    """What has to be survived. Moves are fractions of price (a fall negative), rates fractions of value.

    ``inverse_fall``/``inverse_rise``: the worst excursion at the inverse venue; ``linear_fall``/``linear_rise``: the
    gap at the linear one, which may close meanwhile. ``broker_rate``: the broker's margin after a rise of it.
    """

    inverse_fall: Decimal
    inverse_rise: Decimal
    linear_fall: Decimal
    linear_rise: Decimal
    maintenance: Decimal
    broker_rate: Decimal

    def __post_init__(self) -> None:
        for name in ("inverse_fall", "linear_fall"):
            if not -1 < getattr(self, name) < 0:
                raise ValueError(f"{name} must be a fall, between −1 and 0, not {getattr(self, name)}")
        for name in ("inverse_rise", "linear_rise", "maintenance", "broker_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Capital:
    """What there is. ``may_convert``: XBT may be bought or sold for USD at ``spot`` to fit; else each stays."""

    xbt: Decimal
    usd: Decimal
    spot: Decimal
    may_convert: bool

    def __post_init__(self) -> None:
        positive(self.spot)
        if self.xbt < 0 or self.usd < 0:
            raise ValueError(f"capital must not be negative: {self.xbt} XBT, {self.usd} USD")

    @property
    def total(self) -> Decimal:
        """All of it in USD."""
        return self.xbt * self.spot + self.usd


@dataclass(frozen=True, slots=True)
class Allocation:
    """``size``: XBT of the spread. ``hedge``: XBT of the collateral hedge beside it. ``xbt`` and ``usd``: what is
    needed at the inverse venue and at the broker; ``idle_xbt`` and ``idle_usd`` are left over."""

    size: Decimal
    hedge: Decimal
    xbt: Decimal
    usd: Decimal
    idle_xbt: Decimal
    idle_usd: Decimal

    def earns(self, basis: Decimal, cost: Decimal = Decimal(0)) -> Decimal:
        """Return the USD the spread and its collateral hedge earn if ``basis`` goes to nothing.

        ``basis``: USD per XBT taken in by opening; ``cost``: USD per XBT paid for opening and closing both legs.
        """
        return (self.size + self.hedge) * (basis - cost)


def spread_per_xbt(direction: Direction, stress: Stress, initial_margin: Decimal, price: Decimal) -> Decimal:
    """Return the XBT of spread that one XBT of collateral carries: through the excursion, and as initial margin.

    For short-inverse the collateral's own hedge takes its part of both.
    """
    one, move = Decimal(1), stress.inverse_fall
    if direction is Direction.SHORT_INVERSE:
        move = stress.inverse_rise
    size = gap_size(direction.inverse_side, one, price, price, move, stress.maintenance)
    by_margin = one / collateral_needed(direction, one, initial_margin)
    if size is None:
        return by_margin
    by_gap = size / price
    if direction is Direction.SHORT_INVERSE:
        by_gap -= one
    return max(Decimal(0), min(by_gap, by_margin))


def allocate(
    direction: Direction,
    capital: Capital,
    stress: Stress,
    *,
    initial_margin: Decimal,
    inverse_price: Decimal,
    linear_price: Decimal,
    step: Decimal,
) -> Allocation:
    """Return the largest spread, in whole ``step`` (XBT of one linear contract), that both venues carry.

    ``initial_margin``: what the inverse leg is given at least, 1 / leverage. Prices in USD per XBT.
    """
    per_xbt = spread_per_xbt(direction, stress, initial_margin, inverse_price)
    short_linear = direction is Direction.LONG_INVERSE
    move = stress.linear_rise if short_linear else stress.linear_fall
    equity = linear_gap_equity(direction.linear_side, move, stress.broker_rate) * positive(linear_price)
    if per_xbt <= 0:
        return _nothing(capital)
    # USD that one XBT of spread needs at the broker; for long-inverse its collateral's hedge is there too.
    xbt_each = 1 / per_xbt
    usd_each = equity * (1 + (xbt_each if short_linear else 0))
    if capital.may_convert:
        size = capital.total / (xbt_each * capital.spot + usd_each)
    else:
        size = min(capital.xbt / xbt_each, capital.usd / usd_each)
    size = (size / step).to_integral_value(rounding=ROUND_FLOOR) * step
    xbt, usd = size * xbt_each, size * usd_each
    if not capital.may_convert:
        return Allocation(size, xbt, xbt, usd, capital.xbt - xbt, capital.usd - usd)
    # What is left stays what it was, as far as it goes.
    idle = capital.total - xbt * capital.spot - usd
    idle_xbt = min(max(capital.xbt - xbt, Decimal(0)), idle / capital.spot)
    return Allocation(size, xbt, xbt, usd, idle_xbt, idle - idle_xbt * capital.spot)


def _nothing(capital: Capital) -> Allocation:
    none = Decimal(0)
    return Allocation(none, none, none, none, capital.xbt, capital.usd)
