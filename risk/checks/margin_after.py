"""Initial margin after the order stays a fraction of the account's equity."""

from risk.approval import Denied
from risk.checks.case import Case
from risk.terms import Kind


def check(case: Case) -> Denied | None:
    margin, order = case.margin, case.order
    if margin is None or order.reduce_only:
        return None
    venue = order.instrument.id.venue
    if margin.spent:
        return Denied("MARGIN_EQUITY", f"equity at {venue} above zero", margin.equity)
    linear = order.instrument.terms.kind is Kind.LINEAR
    limit = case.limits.max_linear_margin if linear else case.limits.max_inverse_margin
    if margin.after is not None and margin.after > limit:
        return Denied("MARGIN_AFTER", f"at most {limit:.0%}", f"{margin.after:.1%} of equity at {venue}")
    return None
