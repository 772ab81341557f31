"""How far a spread must come down so that both accounts survive a closure by themselves (DOMAIN.md, section 3).

While a market cannot be traded, or money cannot be moved, nothing helps an account but what it holds: the inverse one
meets the worst excursion of its own market, the linear one the gap at its open, at the broker's margin rate after a
rise. A reduction in pairs takes the same XBT off both legs and leaves both equities as they are.
"""

from dataclasses import dataclass
from decimal import Decimal

from risk.capital import Stress
from risk.instruments import positive
from risk.margin import gap_size, linear_gap_equity
from risk.orders import Side


@dataclass(frozen=True, slots=True)
class Account:
    """What one venue holds: ``size`` in XBT at ``price`` (USD per XBT), signed, and the ``equity`` behind it,
    unrealised results included, in XBT at the inverse venue and in USD at the linear one."""

    size: Decimal
    equity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Survival:
    """``spread``: XBT held in pairs now; ``largest``: of it, what survives; ``too_much``: to take off, in pairs.
    ``more_xbt`` and ``more_usd``: what would have to be deposited instead, for all of it to survive. ``beyond``: XBT
    that one leg holds too much even when no pair is left (the collateral's hedge outgrows its account)."""

    spread: Decimal
    largest: Decimal
    more_xbt: Decimal
    more_usd: Decimal
    beyond: Decimal

    @property
    def too_much(self) -> Decimal:
        return self.spread - self.largest


def inverse_need(size: Decimal, price: Decimal, stress: Stress) -> Decimal:
    """Return the equity (XBT) that carries ``size`` (XBT, signed) through the worst excursion against it."""
    if size == 0:
        return Decimal(0)
    side, move = (Side.BUY, stress.inverse_fall) if size > 0 else (Side.SELL, stress.inverse_rise)
    one = gap_size(side, Decimal(1), price, price, move, stress.maintenance)
    return Decimal(0) if one is None else abs(size) * positive(price) / one


def linear_need(size: Decimal, price: Decimal, stress: Stress) -> Decimal:
    """Return the equity (USD) that carries ``size`` (XBT, signed) through the gap against it."""
    if size == 0:
        return Decimal(0)
    side, move = (Side.BUY, stress.linear_fall) if size > 0 else (Side.SELL, stress.linear_rise)
    return abs(size) * positive(price) * linear_gap_equity(side, move, stress.broker_rate)


def survival(inverse: Account, linear: Account, stress: Stress, buffer: Decimal) -> Survival:
    """Return what of a spread survives. ``buffer``: the fraction by which equity must exceed what is needed.

    A leg without its partner is no spread, and no reduction in pairs helps it: that is ``beyond``.
    """
    if not buffer >= 0:
        raise ValueError(f"a buffer is a fraction of at least 0, not {buffer}")
    opposed = inverse.size * linear.size < 0
    spread = min(abs(inverse.size), abs(linear.size)) if opposed else Decimal(0)
    need_xbt = inverse_need(inverse.size, inverse.price, stress) * (1 + buffer)
    need_usd = linear_need(linear.size, linear.price, stress) * (1 + buffer)
    excess = max(
        _excess(abs(inverse.size), inverse.equity, need_xbt),
        _excess(abs(linear.size), linear.equity, need_usd),
    )
    return Survival(
        spread=spread,
        largest=max(spread - excess, Decimal(0)),
        more_xbt=max(need_xbt - inverse.equity, Decimal(0)),
        more_usd=max(need_usd - linear.equity, Decimal(0)),
        beyond=max(excess - spread, Decimal(0)),
    )


def _excess(size: Decimal, equity: Decimal, need: Decimal) -> Decimal:
    """Return how much of ``size`` the equity does not carry: what is needed is in proportion to it."""
    if need <= equity:
        return Decimal(0)
    return size * (need - max(equity, Decimal(0))) / need
