"""How far the price is from liquidating an account, as a fraction of itself.

The inverse account is liquidated where its equity is the maintenance margin (DOMAIN.md, section 3, cross margin); the
broker's where its equity is the margin it asks for at that price.
"""

from decimal import Decimal

from risk.instruments import positive
from risk.margin import cross_liquidation
from risk.survival import Account


def inverse_liquidation(account: Account, maintenance: Decimal) -> Decimal | None:
    """Return the price at which the inverse account is liquidated; None where none does it.

    Its equity counts as the wallet of a position entered at today's price: the same account.
    """
    contracts = account.size * account.price
    if account.equity <= abs(account.size) * maintenance:
        return account.price if account.size else None
    return cross_liquidation(account.equity, int(contracts), account.price, maintenance)


def linear_liquidation(account: Account, rate: Decimal) -> Decimal | None:
    """Return the price at which the linear account no longer covers ``rate`` of its position; None where none does.

    ``equity + size × (p − price) = rate × |size| × p``.
    """
    size, slope = account.size, account.size - rate * abs(account.size)
    if size == 0:
        return None
    if account.equity <= rate * abs(size) * account.price:
        return account.price
    at = None if slope == 0 else (account.size * account.price - account.equity) / slope
    return at if at is not None and at > 0 else None


def distance(price: Decimal, liquidation: Decimal | None) -> Decimal | None:
    """Return how far ``liquidation`` is from ``price``, as a fraction of it, unsigned; None where there is none."""
    return None if liquidation is None else abs(liquidation / positive(price) - 1)
