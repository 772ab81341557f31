"""What ib_async's decoder calls, message by message. The method names are the protocol's; it passes by place."""

# ruff: noqa: N802

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Protocol

from ib_async.contract import Contract, ContractDetails
from ib_async.objects import AccountValue, CommissionReport, Execution, Position
from ib_async.order import Order, OrderState

from adapters.errors import Unreachable
from adapters.ibkr import codes
from adapters.ibkr.questions import COMPLETED_ORDERS, OPEN_ORDERS, POSITIONS, TIME, Questions

_NO_ID = frozenset({-1, 0, 2147483647})


@dataclass(frozen=True, slots=True)
class StatusWord:
    """An orderStatus message: ``filled`` and ``remaining`` in contracts, as the gateway's floats."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: float
    remaining: float
    why_held: str


class WireListener(Protocol):
    """Hears everything the gateway says, synchronously, on the event loop's thread."""

    def open_order(self, contract: Contract, order: Order, state: OrderState) -> None: ...

    def order_status(self, word: StatusWord) -> None: ...

    def order_error(self, order_id: int, code: int, text: str) -> None: ...

    def execution(self, contract: Contract, execution: Execution, live: bool) -> None: ...

    def commission(self, report: CommissionReport) -> None: ...

    def tick(self, request_id: int, tick_type: int, price: float | None, size: float) -> None: ...

    def text_tick(self, request_id: int, tick_type: int, text: str) -> None: ...

    def data_kind(self, request_id: int, kind: int) -> None: ...

    def data_error(self, request_id: int, code: int, text: str) -> None: ...

    def batch_end(self) -> None: ...

    def notice(self, code: int, text: str) -> None: ...


@dataclass(slots=True)
class Zone:
    """Where the decoder looks up the time zone of times that carry none."""

    TimezoneTWS: str


class Receiver:
    """Routes each message to the question it answers and to the listener."""

    defaultTimezone = UTC  # noqa: N815

    def __init__(
        self,
        venue: str,
        zone: str,
        listener: WireListener,
        questions: Questions,
        heard_order_id: Callable[[int, int], None],
    ) -> None:
        self.ib = Zone(zone)
        self.subscriptions: set[int] = set()
        self.logged_on = False
        self.refusal: tuple[int, str] | None = None
        self._venue = venue
        self._listener = listener
        self._questions = questions
        self._heard_order_id = heard_order_id

    # The connection

    def connectAck(self) -> None:
        self.logged_on = True

    def nextValidId(self, request_id: int) -> None:
        """The client keeps it."""

    def managedAccounts(self, accounts: str) -> None:
        """The client keeps them."""

    def setEventsDone(self) -> None:
        """Part of the client's goodbye; there are no such events here."""

    def connectionClosed(self) -> None:
        """Part of the client's goodbye; the wire hears of it by the socket's own event."""

    def tcpDataProcessed(self) -> None:
        self._listener.batch_end()

    def currentTime(self, time: int) -> None:
        self._questions.add(TIME, time)
        self._questions.end(TIME)

    def error(self, request_id: int, code: int, text: str, reject_json: str) -> None:
        if reject_json:
            text = f"{text} {reject_json}"
        if code == codes.CLIENT_ID_IN_USE:
            self.refusal = (code, text)
        if request_id in _NO_ID:
            self._listener.notice(code, text)
        elif request_id in self._questions:
            if codes.is_warning(code):
                self._listener.notice(code, text)
            else:
                error = Unreachable(self._venue, "ask the gateway", text, code=str(code))
                self._questions.fail(request_id, error)
        elif request_id in self.subscriptions:
            self._listener.data_error(request_id, code, text)
        else:
            self._listener.order_error(request_id, code, text)

    # Orders and executions

    def openOrder(self, order_id: int, contract: Contract, order: Order, state: OrderState) -> None:
        self._heard_order_id(order.clientId, order_id)
        if order.whatIf:
            self._questions.add(order_id, state)  # a question about margin, no order
            self._questions.end(order_id)
            return
        self._listener.open_order(contract, order, state)
        self._questions.add(OPEN_ORDERS, (contract, order, state))

    def openOrderEnd(self) -> None:
        self._questions.end(OPEN_ORDERS)

    def orderStatus(
        self,
        order_id: int,
        status: str,
        filled: float,
        remaining: float,
        average_price: float,
        perm_id: int,
        parent_id: int,
        last_price: float,
        client_id: int,
        why_held: str,
        cap_price: float = 0.0,
    ) -> None:
        self._listener.order_status(
            StatusWord(order_id, client_id, perm_id, status, filled, remaining, why_held)
        )

    def completedOrder(self, contract: Contract, order: Order, state: OrderState) -> None:
        self._questions.add(COMPLETED_ORDERS, (contract, order, state))

    def completedOrdersEnd(self) -> None:
        self._questions.end(COMPLETED_ORDERS)

    def execDetails(self, request_id: int, contract: Contract, execution: Execution) -> None:
        self._listener.execution(contract, execution, request_id not in self._questions)
        self._heard_order_id(execution.clientId, execution.orderId)
        self._questions.add(request_id, (contract, execution))

    def execDetailsEnd(self, request_id: int) -> None:
        self._questions.end(request_id)

    def commissionReport(self, report: CommissionReport) -> None:
        self._listener.commission(report)

    # Contracts, account, positions

    def contractDetails(self, request_id: int, details: ContractDetails) -> None:
        self._questions.add(request_id, details)

    def contractDetailsEnd(self, request_id: int) -> None:
        self._questions.end(request_id)

    def accountSummary(self, request_id: int, account: str, tag: str, value: str, currency: str) -> None:
        self._questions.add(request_id, AccountValue(account, tag, value, currency, ""))

    def accountSummaryEnd(self, request_id: int) -> None:
        self._questions.end(request_id)

    def position(self, account: str, contract: Contract, size: float, average_cost: float) -> None:
        self._questions.add(POSITIONS, Position(account, contract, size, average_cost))

    def positionEnd(self) -> None:
        self._questions.end(POSITIONS)

    # Market data

    def priceSizeTick(self, request_id: int, tick_type: int, price: float, size: float) -> None:
        self._listener.tick(request_id, tick_type, price, size)

    def tickSize(self, request_id: int, tick_type: int, size: float) -> None:
        self._listener.tick(request_id, tick_type, None, size)

    def tickString(self, request_id: int, tick_type: int, text: str) -> None:
        self._listener.text_tick(request_id, tick_type, text)

    def marketDataType(self, request_id: int, kind: int) -> None:
        self._listener.data_kind(request_id, kind)
