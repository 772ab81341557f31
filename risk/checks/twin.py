"""No working order goes out as the image of one of ours that is still out."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    order = case.order
    wanted = (order.instrument.id, order.side, order.contracts, order.price)
    for live in case.live:
        if (live.instrument, live.side, live.contracts, live.price) == wanted:
            return Denied("ORDER_TWIN", "none of its like still out", live.client_order_id)
    return None
