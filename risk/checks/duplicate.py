"""No order goes out twice: neither under a client id that was used, nor as the image of one still out."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    order = case.order
    if case.used:
        return Denied("ORDER_DUPLICATE", "an id that was never used", str(order.client_order_id))
    if not case.is_work:
        return None  # two fills alike are two hedges alike
    wanted = (order.instrument.id, order.side, order.contracts, order.price)
    for live in case.live:
        if (live.instrument, live.side, live.contracts, live.price) == wanted:
            return Denied("ORDER_DUPLICATE", "none of its like still out", live.client_order_id)
    return None
