"""No order puts more at risk than may fill unattended, and no plan is larger than the profile allows."""

from decimal import Decimal

from risk.approval import Denied
from risk.checks.case import Case
from risk.terms import NOISE


def check(case: Case) -> Denied | None:
    size, limit = abs(case.change), case.limits.max_unattended_delta
    if size > limit + NOISE:
        return Denied("ORDER_SIZE", f"at most {limit} XBT unattended", f"{size:.8f} XBT")
    return None


def plan(size_xbt: Decimal | None, limit: Decimal) -> Denied | None:
    """Hold a plan's size against the profile's; None is all that is held, which is no more than was opened."""
    if size_xbt is not None and size_xbt > limit:
        return Denied("PLAN_SIZE", f"{limit} XBT, the profile's limit", f"{size_xbt} XBT")
    return None
