"""What contracts are worth and what trading them costs, in units."""

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Liquidity

PPM = 1_000_000


def half_even(numerator: int, denominator: int) -> int:
    """Divide, rounding to nearest and a tie to even. ``denominator`` > 0."""
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient % 2):
        return quotient + 1
    return quotient


def ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def share(amount: int, part: int, whole: int) -> int:
    """Return ``amount`` × part / whole (0 ≤ part ≤ whole), towards zero; all of it when part is whole."""
    sign = -1 if amount < 0 else 1
    return sign * (abs(amount) * part // whole)


def value(spec: ContractSpec, contracts: int, price: int) -> int:
    """Return the signed value of ``contracts`` at ``price`` (cents).

    Inverse: rounded to satoshi once per rounding unit (BitMEX: ``round(1e10 / price)`` per lot of 100), and
    towards zero for part of one. Linear: contracts × satoshi × cents are units of 1e-10 USD; hence / 100.
    """
    if spec.is_inverse:
        per_unit = half_even(10**10 * spec.multiplier * spec.rounding_unit, price)
        return share(per_unit * contracts, 1, spec.rounding_unit)
    return contracts * spec.multiplier * price // 100


def fee(spec: ContractSpec, contracts: int, cost: int, liquidity: Liquidity) -> int:
    """Return the fee of trading ``contracts`` (unsigned) for ``cost``: ppm of value plus a commission each."""
    rate = spec.maker_fee if liquidity is Liquidity.MAKER else spec.taker_fee
    return half_even(abs(cost) * rate, PPM) + spec.commission * contracts


def profit(spec: ContractSpec, cost: int, worth: int) -> int:
    """Return the P&L of a position that cost ``cost`` and is worth ``worth`` (both signed, long > 0).

    Linear: worth − cost. Inverse: cost − worth, since the same dollars are worth fewer coins when coins rise.
    """
    return cost - worth if spec.is_inverse else worth - cost
