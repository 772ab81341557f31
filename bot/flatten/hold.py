"""What ``--hold-hedge`` keeps: a short of as many XBT as the wallet is long. Pure."""

from decimal import Decimal

from risk.instruments import Instrument


def held_short(
    wallet: Decimal,
    inverse: Instrument,
    inverse_contracts: int,
    linear: Instrument,
    linear_contracts: int,
    price: Decimal,
) -> tuple[int, int]:
    """Return the contracts of either leg that stay (none above 0): together at most ``wallet`` XBT short.

    Only what is there is kept, nothing is opened. The linear leg first: it needs no XBT for its margin.
    """
    linear_kept = _part(linear, linear_contracts, wallet, price)
    rest = wallet - abs(linear.xbt(linear_kept, price))
    return _part(inverse, inverse_contracts, rest, price), linear_kept


def _part(instrument: Instrument, contracts: int, xbt: Decimal, price: Decimal) -> int:
    if contracts >= 0 or xbt <= 0:
        return 0
    return -min(-contracts, instrument.contracts_for(xbt, price))
