"""No order goes out under a client id that was used before."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    if case.used:
        return Denied("ORDER_DUPLICATE", "an id that was never used", str(case.order.client_order_id))
    return None
