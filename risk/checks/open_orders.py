"""Not too many orders of ours may be out at one venue."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    limit = case.limits.max_open_orders
    if len(case.live) >= limit:
        return Denied("ORDERS_OPEN", f"fewer than {limit} out at one venue", f"{len(case.live)} are")
    return None
