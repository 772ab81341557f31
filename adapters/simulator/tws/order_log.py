"""What reached the gateway about orders, for tests and measurements."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class OrderAction(StrEnum):
    PLACE = "place"
    MODIFY = "modify"
    WHAT_IF = "what_if"
    CANCEL = "cancel"
    GLOBAL_CANCEL = "global_cancel"


@dataclass(frozen=True, slots=True)
class OrderLogEntry:
    """One message about an order, as it came in, accepted or not.

    ``received``: the clock's monotonic seconds, ``at`` its time. Fields a message does not carry are empty.
    """

    at: datetime
    received: float
    client_id: int
    action: OrderAction
    order_id: int = 0
    local_symbol: str = ""
    side: str = ""
    quantity: Decimal = Decimal(0)
    limit: Decimal | None = None
    tif: str = ""
    order_ref: str = ""
