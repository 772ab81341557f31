"""Margin at an inverse venue, the prices at which it runs out, and what a price move asks for.

Formulas: DOMAIN.md, section 3 (order margin, isolated and cross liquidation, gap size) and section 2 (the
5-XBT table, margin actions). They foretell; the margin and the liquidation price that count are the venue's.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from risk.direction import Direction
from risk.instruments import Instrument, positive
from risk.money import UNITS_PER_COIN, Currency, Money
from risk.orders import Side
from risk.terms import Kind, Rounding, Terms


def initial_rate(base: Decimal, leverage: Decimal | None) -> Decimal:
    """Return the initial margin as a fraction of value: ``max(base, 1/leverage)``; None or 0 means cross."""
    if leverage is None or leverage == 0:
        return base
    return max(base, 1 / _leverage(leverage))


def stepped_rates(terms: Terms, value: Decimal, limit: Decimal, step: Decimal) -> tuple[Decimal, Decimal]:
    """Return the (initial, maintenance) rates at a position of ``value`` XBT.

    Each risk step begun above the risk limit adds the base maintenance rate to both (all three in XBT).
    """
    if step <= 0:
        raise ValueError(f"a risk step must be positive, not {step}")
    steps = max(Decimal(0), (value - limit) / step).to_integral_value(rounding=ROUND_CEILING)
    added = steps * terms.maintenance_margin
    return terms.initial_margin + added, terms.maintenance_margin + added


def order_margin(value_units: int, initial: Decimal, taker_fee: Decimal) -> int:
    """Return the satoshi an order of ``value_units`` satoshi needs: ``V × (IM + f + f × (1 + IM))``, rounded up."""
    return _ceil(abs(value_units) * (initial + taker_fee + taker_fee * (1 + initial)))


@dataclass(frozen=True, slots=True)
class OpenQuantity:
    """An order's open contracts at its limit (USD per XBT)."""

    side: Side
    contracts: int
    price: Decimal


def open_orders_margin(
    instrument: Instrument, position: int, orders: tuple[OpenQuantity, ...], initial: Decimal
) -> int:
    """Return the satoshi all open orders of an instrument need: the larger of the two sides, not their sum.

    Only what exceeds ``position`` (signed contracts) is charged. Which of several orders the position covers
    is the venue's business; here it covers those of the least value, so the figure is an upper bound.
    """
    return max(_side_margin(instrument, position, orders, side, initial) for side in Side)


def _side_margin(
    instrument: Instrument, position: int, orders: tuple[OpenQuantity, ...], side: Side, initial: Decimal
) -> int:
    covered = max(0, -side.sign * position)
    charged = 0
    for order in sorted((order for order in orders if order.side is side), key=lambda o: -o.price):
        free = min(covered, order.contracts)
        covered -= free
        charged += instrument.value_units(order.contracts - free, order.price)
    return order_margin(charged, initial, instrument.terms.taker_fee)


def cross_maintenance(cost_units: int, maintenance: Decimal, funding_rate: Decimal = Decimal(0)) -> int:
    """Return the maintenance margin in satoshi of a cross position of ``cost_units`` (signed, long > 0).

    ``ceil(MM × cost)``, and ``ceil(|funding| × cost)`` while this side pays the coming funding.
    """
    pays = cost_units * funding_rate > 0
    cost = abs(cost_units)
    return _ceil(maintenance * cost) + (_ceil(abs(funding_rate) * cost) if pays else 0)


def isolated_liquidation(
    side: Side, entry: Decimal, leverage: Decimal, maintenance: Decimal
) -> Decimal | None:
    """Return the liquidation price: long ``E/(1 + 1/L − MM)``, short ``E/(1 − 1/L + MM)``.

    None for a fully funded short (L ≤ 1), which has none; the venue then shows 1,000,000.
    """
    initial = 1 / _leverage(leverage)
    if side is Side.SELL and initial >= 1:
        return None
    return positive(entry) / (1 + side.sign * (initial - maintenance))


def isolated_bankruptcy(side: Side, entry: Decimal, leverage: Decimal) -> Decimal | None:
    """Return the price at which the margin is gone: long ``E/(1 + 1/L)``, short ``E/(1 − 1/L)`` or None."""
    initial = 1 / _leverage(leverage)
    if side is Side.SELL and initial >= 1:
        return None
    return positive(entry) / (1 + side.sign * initial)


@dataclass(frozen=True, slots=True)
class IsolatedMargin:
    """An isolated position's margin in satoshi and its prices on tick, rounded as the venue rounds.

    ``margin`` = ``initial`` + ``commission`` (the fee of closing at bankruptcy). Prices are None where a short
    has none.
    """

    cost: int
    initial: int
    commission: int
    maintenance: int
    liquidation: Decimal | None
    bankruptcy: Decimal | None

    @property
    def margin(self) -> int:
        return self.initial + self.commission


def isolated_margin(
    instrument: Instrument, side: Side, contracts: int, entry: Decimal, leverage: Decimal
) -> IsolatedMargin:
    """Work out an isolated position of ``contracts`` (unsigned) with the instrument's maintenance and taker fee.

    Prices come from the value of one rounding unit in whole satoshi: for a short it is rounded up, and the
    price down to tick. That is how the venue's published position comes out; a long is taken as its mirror
    image (both roundings bring the price nearer), which no published position confirms.
    """
    terms = instrument.terms
    if terms.kind is not Kind.INVERSE:
        raise ValueError(f"{instrument.id} is no inverse contract: its margin is the broker's")
    initial = max(terms.initial_margin, 1 / _leverage(leverage))
    cost = instrument.value_units(contracts, entry)
    commission = _ceil(cost * terms.taker_fee * (1 + initial))
    liquidation_rate = 1 + side.sign * (initial - terms.maintenance_margin)
    bankruptcy_rate = 1 + side.sign * initial
    funded_short = side is Side.SELL and initial >= 1
    return IsolatedMargin(
        cost=cost,
        initial=_ceil(cost * initial),
        commission=commission,
        maintenance=_ceil(cost * terms.maintenance_margin) + commission,
        liquidation=None if funded_short else _price_at(instrument, side, entry, liquidation_rate),
        bankruptcy=None if funded_short else _price_at(instrument, side, entry, bankruptcy_rate),
    )


def _price_at(instrument: Instrument, side: Side, entry: Decimal, share: Decimal) -> Decimal:
    """Return the price at which one rounding unit is worth ``share`` of what it was worth at ``entry``."""
    terms = instrument.terms
    unit_value = instrument.value_units(terms.rounding_unit, entry) * share
    up = side is Side.SELL
    satoshi = unit_value.to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR)
    price = UNITS_PER_COIN * terms.multiplier * terms.rounding_unit / satoshi
    return terms.to_tick(price, Rounding.DOWN if up else Rounding.UP)


def cross_liquidation(wallet: Decimal, size: int, entry: Decimal, maintenance: Decimal) -> Decimal | None:
    """Return the price at which a ``wallet`` (XBT) no longer carries ``size`` (USD, signed) opened at ``entry``.

    Long ``N/(W + (1 − MM)·N/E)``, short ``N/((1 + MM)·N/E − W)``; None where no price does it.
    """
    sign = 1 if size > 0 else -1
    value = abs(size) / positive(entry)
    denominator = sign * wallet + (1 - sign * maintenance) * value
    return abs(size) / denominator if denominator > 0 and size else None


def gap_size(
    side: Side, wallet: Decimal, price: Decimal, entry: Decimal, gap: Decimal, maintenance: Decimal
) -> Decimal | None:
    """Return the largest inverse position (USD, unsigned) that a ``wallet`` (XBT) carries through a ``gap``.

    ``gap``: the move as a fraction of ``price``, −0.2 for −20 %. Long ``W/(1/(P(1+g)) − (1−MM)/E)``, short
    ``W/((1+MM)/E − 1/(P(1+g)))``; None where the gap threatens no size. Not rounded: round down to lots.
    """
    after = 1 / positive(price * (1 + gap))
    lost = side.sign * after - (side.sign - maintenance) / positive(entry)
    return wallet / lost if lost > 0 else None


def linear_gap_equity(side: Side, gap: Decimal, broker_rate: Decimal) -> Decimal:
    """Return the USD of equity a linear position needs per USD of notional to survive ``gap``.

    The loss plus the broker's margin on what it is worth then: for a short ``g + r(1 + g)``.
    """
    return max(Decimal(0), -side.sign * gap) + broker_rate * (1 + gap)


@dataclass(frozen=True, slots=True)
class MoveOf:
    """The prices at which a position's value has changed by a given XBT; ``up`` is None if no rise does it."""

    entry: Decimal
    down: Decimal
    up: Decimal | None

    @property
    def down_percent(self) -> Decimal:
        return (self.down / self.entry - 1) * 100

    @property
    def up_percent(self) -> Decimal | None:
        return None if self.up is None else (self.up / self.entry - 1) * 100


def price_of_move(size: int, entry: Decimal, xbt: Decimal) -> MoveOf:
    """Return where an inverse position of ``size`` (USD, unsigned) counts ``xbt`` XBT more, and less.

    ``size/(size/entry ± xbt)``: with ``xbt`` one linear contract, how far the price goes before the
    collateral hedge is one contract off.
    """
    value = size / positive(entry)
    return MoveOf(entry, size / (value + xbt), size / (value - xbt) if value > xbt else None)


@dataclass(frozen=True, slots=True)
class MarginAction:
    """Deposit ``currency`` where the leg of ``kind`` is held; what is deposited in XBT is hedged by ``hedge``.

    ``hedge``: the kind of contract to sell by the XBT deposited, None for USD, which carries no Δ.
    """

    kind: Kind
    currency: Currency
    hedge: Kind | None


def margin_actions(direction: Direction, inverse_pnl: Money, linear_pnl: Money) -> tuple[MarginAction, ...]:
    """Return what the legs' unrealised P&L asks for: the leg that lost wants collateral in its own currency.

    XBT bought and deposited is sold again at the leg that is short: linear for long-inverse, inverse for
    short-inverse. Taking excess collateral out runs the other way.
    """
    actions = []
    if inverse_pnl.units < 0:
        short = Kind.LINEAR if direction is Direction.LONG_INVERSE else Kind.INVERSE
        actions.append(MarginAction(Kind.INVERSE, Currency.XBT, short))
    if linear_pnl.units < 0:
        actions.append(MarginAction(Kind.LINEAR, Currency.USD, None))
    return tuple(actions)


def _leverage(leverage: Decimal) -> Decimal:
    if not leverage.is_finite() or leverage <= 0:
        raise ValueError(f"leverage must be positive, not {leverage}")
    return leverage


def _ceil(units: Decimal) -> int:
    return int(units.to_integral_value(rounding=ROUND_CEILING))
