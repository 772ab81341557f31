"""A part of each account is kept back: what stays free after the order's initial margin is its cushion."""

from decimal import Decimal

from risk.approval import Denied
from risk.checks.case import Case
from risk.terms import Kind


def check(case: Case) -> Denied | None:
    """The reserve is the larger of a fraction of equity and an amount in the account's currency. Margin nobody knows
    is another rule's."""
    margin, order, limits = case.margin, case.order, case.limits
    if margin is None or margin.after is None or margin.worth is None or order.reduce_only:
        return None
    inverse = order.instrument.terms.kind is Kind.INVERSE
    amount, unit = (limits.reserve_xbt, "XBT") if inverse else (limits.reserve_usd, "USD")
    kept = max(limits.reserve * margin.worth, amount)
    free = margin.worth * (Decimal(1) - margin.after)
    if kept <= 0 or free >= kept:
        return None
    return Denied(
        "CAPITAL_RESERVE",
        f"{kept:,.4f} {unit} kept free",
        f"{free:,.4f} {unit} would be left at {order.instrument.id.venue}",
    )
