"""One order as the gateway's words leave it. Pure: no socket, no clock.

``PendingSubmit`` is no proof that an order exists. ``Cancelled`` is provisional until the open orders no
longer list it. What was filled is the larger of the broker's count and our own accounting of executions,
unless an execution was corrected: then the executions are right.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from risk.instruments import InstrumentId
from risk.orders import OrderRequest, OrderStatus, OrderUpdate, Side


class Word(Enum):
    """What the gateway has said: nothing yet, it works, it is said to be cancelled, it is, it was refused."""

    SILENT = auto()
    WORKING = auto()
    CANCEL_SAID = auto()
    CANCELED = auto()
    REFUSED = auto()


_WORDS = {
    "PendingSubmit": Word.SILENT,
    "ApiPending": Word.SILENT,
    "PreSubmitted": Word.WORKING,
    "Submitted": Word.WORKING,
    "PendingCancel": Word.WORKING,
    "Filled": Word.WORKING,
    "Cancelled": Word.CANCEL_SAID,
    "ApiCancelled": Word.CANCEL_SAID,
    "Inactive": Word.REFUSED,
}
_LIVE = frozenset({"PendingSubmit", "ApiPending", "PreSubmitted", "Submitted", "PendingCancel"})


def is_live(status: str) -> bool:
    """Return whether a status in an open-orders answer means that the order can still trade."""
    return status in _LIVE


def is_known(status: str) -> bool:
    return status in _WORDS


@dataclass(slots=True)
class OrderRecord:
    """``perm_id`` is 0 until the gateway names it; ``order_id`` is of this connection, 0 if it has none.

    ``complete``: it had filled in full once; what is taken back of it after that does not work again.
    ``cancel_heard`` outlives a list of open orders that contradicts the cancel: the list may be late.
    """

    instrument: InstrumentId
    client_order_id: str | None
    client_id: int
    side: Side
    quantity: int
    price: Decimal | None
    order_id: int = 0
    perm_id: int = 0
    word: Word = Word.SILENT
    cancel_heard: bool = False
    counted: int = 0
    executed: int = 0
    corrected: bool = False
    complete: bool = False
    reason: str = ""
    code: str = ""
    told: OrderUpdate | None = None

    @classmethod
    def of_request(cls, request: OrderRequest, client_id: int, order_id: int) -> "OrderRecord":
        return cls(
            request.instrument,
            request.client_order_id,
            client_id,
            request.side,
            request.quantity,
            request.price,
            order_id,
        )

    @property
    def filled(self) -> int:
        return self.executed if self.corrected else max(self.counted, self.executed)

    @property
    def is_final(self) -> bool:
        return self.complete or self.word in (Word.CANCELED, Word.REFUSED) or self.filled >= self.quantity

    def hear(self, status: str) -> None:
        """Take in a status of the gateway.

        A confirmed cancel and a refusal stand against words overtaken on their way (PendingSubmit and the
        like); a working order's PendingSubmit takes nothing back.
        """
        word = _WORDS.get(status, Word.SILENT)
        if word is Word.SILENT or self.word is Word.CANCELED:
            return
        if word is Word.CANCEL_SAID:
            self.cancel_heard = True
            if self.word is Word.REFUSED:
                return
        self.word = word

    def confirm_cancel(self) -> None:
        self.word = Word.CANCELED

    def refuse(self, code: int, text: str) -> None:
        self.word = Word.REFUSED
        self.reason = text
        self.code = str(code)

    def executions(self, filled: int, corrected: bool) -> None:
        """Take in our own accounting. An execution proves that the order exists."""
        if self.filled >= self.quantity:
            self.complete = True
        self.executed = filled
        self.corrected = corrected
        if filled and self.word is Word.SILENT:
            self.word = Word.WORKING

    def status(self) -> OrderStatus | None:
        """Return what may be said of the order, None while that is nothing."""
        if self.filled >= self.quantity:
            return OrderStatus.FILLED
        if self.complete:
            return OrderStatus.CANCELED
        match self.word:
            case Word.SILENT:
                return None
            case Word.CANCELED:
                return OrderStatus.CANCELED
            case Word.REFUSED:
                return OrderStatus.CANCELED if self.filled else OrderStatus.REJECTED
            case Word.WORKING | Word.CANCEL_SAID:
                return OrderStatus.PARTIALLY_FILLED if self.filled else OrderStatus.NEW

    def update(self, at: datetime) -> OrderUpdate | None:
        status = self.status()
        if status is None:
            return None
        return OrderUpdate(
            instrument=self.instrument,
            client_order_id=self.client_order_id,
            venue_order_id=str(self.perm_id) if self.perm_id else "",
            status=status,
            side=self.side,
            quantity=self.quantity,
            filled=self.filled,
            leaves=0 if status.is_final else self.quantity - self.filled,
            at=at,
            price=self.price,
            reason=self.reason,
        )

    def news(self, at: datetime) -> OrderUpdate | None:
        """Return the update if it says something not told yet, and remember it as told.

        A cancel still provisional is no news, not even for an order nobody has heard of.
        """
        if self.word is Word.CANCEL_SAID and self.filled == (self.told.filled if self.told else 0):
            return None
        update = self.update(at)
        if update is None or (self.told is not None and _same(update, self.told)):
            return None
        self.told = update
        return update


def _same(update: OrderUpdate, told: OrderUpdate) -> bool:
    """Return whether an update says nothing new; a permId named later is no news."""
    return replace(update, at=told.at, venue_order_id=told.venue_order_id) == told
