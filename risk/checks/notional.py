"""No working order is worth more than the profile allows, in USD, whatever its contract's unit."""

from risk.approval import Denied
from risk.checks.case import Case
from risk.terms import Kind


def check(case: Case) -> Denied | None:
    order, limit = case.order, case.limits.max_order_notional
    worth = order.contracts * order.instrument.terms.multiplier
    if order.instrument.terms.kind is Kind.LINEAR:
        worth *= order.price
    if worth > limit:
        return Denied("ORDER_NOTIONAL", f"at most {limit:,.0f} USD", f"{worth:,.0f} USD")
    return None
