"""How many contracts: tranches, hedges, paired reductions. Always whole lots, rounded towards zero.

Rounding towards zero means a hedge is never larger than what it hedges: what is left has the sign of what
there was and is smaller than one granule (the smallest tradable step, in XBT). It is returned, to be carried.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from risk.direction import Direction
from risk.instruments import Instrument
from risk.orders import Fill, Side


def signed_contracts(instrument: Instrument, xbt: Decimal, price: Decimal) -> int:
    """Return the whole lots, signed as ``xbt``, that count at most ``xbt`` at ``price`` (USD per XBT)."""
    contracts = instrument.contracts_for(abs(xbt), price)
    return -contracts if xbt < 0 else contracts


def split_tranches(instrument: Instrument, contracts: int, tranches: int) -> tuple[int, ...]:
    """Split ``contracts`` into whole lots that sum to it and differ by at most one lot, the larger first.

    Raises ValueError when ``contracts`` is not a positive number of whole lots, or too few for ``tranches``.
    """
    lots, broken = divmod(contracts, instrument.terms.lot)
    if lots < 1 or broken:
        raise ValueError(f"{contracts} contracts are not whole lots of {instrument.terms.lot}")
    if not 1 <= tranches <= lots:
        raise ValueError(f"{lots} lots cannot be split into {tranches} tranches")
    size, larger = divmod(lots, tranches)
    return tuple((size + (index < larger)) * instrument.terms.lot for index in range(tranches))


def residual(fills: Iterable[tuple[Instrument, Fill]]) -> Decimal:
    """Return the Δ (XBT) of ``fills``, each at its own price: what a hedge has yet to cancel.

    Over the fills of both legs it is what is naked. Sizing by the mark instead would leave the difference
    behind for ever (DOMAIN.md, section 2).
    """
    return sum(
        (instrument.xbt(fill.signed_quantity, fill.price) for instrument, fill in fills), start=Decimal(0)
    )


@dataclass(frozen=True, slots=True)
class HedgeSize:
    """The trade that answers a residual, and what it leaves.

    ``contracts`` may be 0: less than a lot was asked for. ``carried``: XBT left if it fills at the price it
    was sized at, with the sign of the residual and below one granule.
    """

    side: Side
    contracts: int
    carried: Decimal


def hedge_size(instrument: Instrument, naked: Decimal, price: Decimal) -> HedgeSize:
    """Size the trade in ``instrument`` that cancels ``naked`` (XBT, long > 0) at the expected ``price``.

    Rounded towards zero: it never over-hedges at that price. If it fills elsewhere, the ``residual`` of the
    fills says so and the next hedge takes it up.
    """
    contracts = signed_contracts(instrument, naked, price)
    side = Side.SELL if naked > 0 else Side.BUY
    return HedgeSize(side, abs(contracts), naked - instrument.xbt(contracts, price))


def collateral_hedge(
    direction: Direction, linear: Instrument, inverse: Instrument, unhedged: Decimal, price: Decimal
) -> HedgeSize:
    """Size the trade that cancels collateral of ``unhedged`` XBT (wallet − what is hedged − target).

    In linear contracts for long-inverse, in inverse ones at ``price`` (the inverse price) for short-inverse:
    the leg that is short anyway. Negative ``unhedged`` (XBT has left) takes hedge off.
    """
    short_leg = linear if direction.linear_side is Side.SELL else inverse
    return hedge_size(short_leg, unhedged, price)


def collateral_needed(direction: Direction, spread: Decimal, initial_margin: Decimal) -> Decimal:
    """Return the XBT of margin a spread of ``spread`` XBT and its collateral hedge need at the inverse venue.

    ``initial_margin``: fraction of value. For short-inverse the collateral hedge is an inverse position and
    needs margin itself: ``IM × (spread + x) = x`` (5 XBT of margin for 25 become 6.25 at 20 %).
    """
    if not 0 < initial_margin < 1:
        raise ValueError(f"an initial margin is a fraction between 0 and 1, not {initial_margin}")
    margin = spread * initial_margin
    return margin if direction is Direction.LONG_INVERSE else margin / (1 - initial_margin)


@dataclass(frozen=True, slots=True)
class PairedReduction:
    """Contracts to trade on both legs at once, signed (buy > 0), and ``delta_change``: what they do to Δ (XBT).

    ``delta_change`` is the rounding of the inverse leg, below one granule of it.
    """

    inverse: int
    linear: int
    delta_change: Decimal


def paired_reduction(
    inverse: Instrument,
    inverse_contracts: int,
    linear: Instrument,
    linear_contracts: int,
    xbt: Decimal,
    price: Decimal,
) -> PairedReduction:
    """Size the reduction of both positions by at most ``xbt`` XBT, matched at the **current** ``price``.

    Closing n inverse contracts takes n / price off Δ, whatever they were opened at, so that is what the
    linear leg must match. Whole linear contracts first (the coarse leg), then the inverse lots that match
    them, towards zero; neither beyond its position. Raises ValueError unless the positions (signed) oppose
    each other.
    """
    if inverse_contracts * linear_contracts >= 0:
        raise ValueError(f"no pair: {inverse_contracts} inverse and {linear_contracts} linear contracts")
    size = min(xbt, abs(inverse.xbt(inverse_contracts, price)), abs(linear.xbt(linear_contracts, price)))
    coarse = linear.contracts_for(size, price)
    fine = inverse.contracts_for(linear.xbt(coarse, price), price)
    sign = 1 if linear_contracts < 0 else -1
    linear_trade, inverse_trade = sign * coarse, -sign * fine
    change = linear.xbt(linear_trade, price) + inverse.xbt(inverse_trade, price)
    return PairedReduction(inverse_trade, linear_trade, change)
