"""What a trade earned or cost: profit and loss, fees, funding. Exact, in minor units of 1e-8.

An inverse venue rounds value to whole satoshi once per rounding unit (per lot at BitMEX today), and profit is
a difference of such values, so it is exact to the satoshi (DOMAIN.md, section 1). A linear contract's profit
is in USD.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from risk.instruments import Instrument, positive
from risk.money import Currency, Money, to_units
from risk.terms import Kind

FUNDING_INTEREST = Decimal("0.0001")
FUNDING_DAMPER = Decimal("0.0005")


def pnl(instrument: Instrument, contracts: int, entry: Decimal, price: Decimal) -> Money:
    """Return what ``contracts`` (signed) opened at ``entry`` have earned at ``price`` (both USD per XBT).

    In the settlement currency, fees and funding not counted.
    """
    return pnl_from_cost(instrument, contracts, instrument.value_units(contracts, entry), price)


def pnl_from_cost(instrument: Instrument, contracts: int, cost_units: int, price: Decimal) -> Money:
    """Return what ``contracts`` (signed) have earned at ``price`` if they cost ``cost_units`` (signed alike).

    ``cost_units``: Σ ``Instrument.value_units`` over the fills that opened them, each at its own price. An
    inverse long earns value(entry) − value(price), a linear one value(price) − value(entry).
    """
    value = instrument.value_units(contracts, price)
    earned = cost_units - value if instrument.terms.kind is Kind.INVERSE else value - cost_units
    return Money(instrument.terms.settlement, earned)


def fee(instrument: Instrument, contracts: int, price: Decimal, rate: Decimal) -> Money:
    """Return the fee on a trade at ``rate`` (a fraction of its value): positive when paid, negative a rebate.

    An estimate to the satoshi: the fee that counts is the one the venue reports with the fill.
    """
    value = abs(instrument.value_units(contracts, price))
    return Money(instrument.terms.settlement, _whole(value * rate))


def funding(instrument: Instrument, contracts: int, mark: Decimal, rate: Decimal) -> Money:
    """Return one funding payment for ``contracts`` (signed): positive when received.

    Position value at ``mark`` × ``rate``; while the rate is positive longs pay (DOMAIN.md, section 3).
    """
    value = instrument.value_units(contracts, mark)
    return Money(instrument.terms.settlement, -_whole(value * rate))


def funding_rate(
    premium: Decimal, interest: Decimal = FUNDING_INTEREST, damper: Decimal = FUNDING_DAMPER
) -> Decimal:
    """Return the rate per funding interval: ``F = P + clamp(I − P, ±damper)`` (DOMAIN.md, section 3)."""
    return premium + max(-damper, min(damper, interest - premium))


def in_usd(money: Money, price: Decimal) -> Money:
    """Return what ``money`` is worth in USD when one XBT costs ``price``."""
    if money.currency is Currency.USD:
        return money
    return Money(Currency.USD, to_units(money.amount * positive(price)))


def _whole(units: Decimal) -> int:
    return int(units.to_integral_value(rounding=ROUND_HALF_EVEN))
