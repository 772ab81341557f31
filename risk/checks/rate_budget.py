"""Working orders leave a share of the venue's rate limit to cancels, hedges and the emergency."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    left, reserve = case.rate_left, case.limits.rate_reserve
    if left is not None and left < reserve:
        venue = case.order.instrument.id.venue
        return Denied("RATE_BUDGET", f"{reserve:.0%} of the rate limit kept", f"{left:.0%} left at {venue}")
    return None
