"""One TCP connection to TWS or IB Gateway.

ib_async's ``Client`` and decoder do the protocol; the receiver under them is ours, not ib_async's ``Wrapper``
and ``IB``. Those keep a mutable picture of orders that takes unknown error codes for cancels, adds corrected
executions up, lets two questions share one future, and formats whole trades into log lines on the way of
every fill. Here each message goes straight to a listener, every question has a timeout, and what cannot be
read ends the connection instead of being logged: a fill may have been in it.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ib_async.contract import Contract, ContractDetails
from ib_async.objects import AccountValue, Execution, ExecutionFilter, Position
from ib_async.order import Order, OrderState

from adapters.errors import Misconfigured, Unreachable, VenueError
from adapters.ibkr.client import make_client
from adapters.ibkr.pace import Pace
from adapters.ibkr.questions import COMPLETED_ORDERS, OPEN_ORDERS, POSITIONS, TIME, Key, Questions
from adapters.ibkr.receiver import Receiver, WireListener
from adapters.ibkr.settings import IbkrSettings

_log = logging.getLogger(__name__)

# Messages that may carry a fill, an order, a contract or a row of an answer: losing one is losing the truth.
_VITAL = frozenset({"3", "4", "5", "9", "10", "11", "15", "59", "61", "63", "101"})

OpenOrder = tuple[Contract, Order, OrderState]


class Wire:
    """A connection, good for one life: once lost it stays lost, and a new one is made."""

    def __init__(self, settings: IbkrSettings, listener: WireListener) -> None:
        self._settings = settings
        self._questions = Questions()
        self._locks: dict[str, asyncio.Lock] = {}
        self._account_lock = asyncio.Lock()
        self._pace = Pace()
        self._receiver = Receiver(
            settings.name, settings.gateway_timezone, listener, self._questions, self._heard_order_id
        )
        self._client = make_client(self._receiver, self._unreadable)
        self._client.conn.hasData.error_event.connect(self._reading_failed)
        self._client.conn.disconnected.connect(self._socket_closed)
        self._client.apiError.connect(self._client_complained)
        self._illegible = False
        self._closed = asyncio.Event()
        self._closed.set()
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done, with the reason, once the connection is of no more use."""

    # Life

    def _no_connection(self, error: OSError) -> str:
        match error:
            case TimeoutError():
                return f"no answer within {self._settings.connect_timeout:g} s"
            case ConnectionRefusedError():
                return "nothing listens there"
        return error.strerror or str(error)

    async def open(self) -> None:
        """Connect and log on. Raises Unreachable or Misconfigured."""
        settings = self._settings
        attempted = f"connect to {settings.host}:{settings.port} as client {settings.client_id}"
        connecting = asyncio.ensure_future(
            self._client.connectAsync(
                settings.host, settings.port, settings.client_id, settings.connect_timeout
            )
        )
        self._closed.clear()
        waiting: set[asyncio.Future[Any]] = {connecting, self.lost}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            connecting.cancel()
            outcome = (await asyncio.gather(connecting, return_exceptions=True))[0]
        if self._receiver.refusal is not None:
            code, text = self._receiver.refusal
            detail = f"client id {settings.client_id} is in use by another program: {text}"
            raise Misconfigured(settings.name, attempted, detail, code=str(code))
        if isinstance(outcome, OSError):
            detail = self._no_connection(outcome)
            self._lose(detail)
            raise Unreachable(settings.name, attempted, detail)
        if self.lost.done() and self._receiver.logged_on and not self._illegible:
            detail = (
                f"{self.lost.result()}: closed during login, so client id {settings.client_id} is in use "
                "by another program or this address is not trusted by the gateway"
            )
            raise Misconfigured(settings.name, attempted, detail)
        if self.lost.done():
            raise Unreachable(settings.name, attempted, self.lost.result())
        if isinstance(outcome, BaseException):
            raise outcome
        accounts = self._client.getAccounts()
        if settings.account not in accounts:
            detail = f"this login has no account {settings.account}, only {', '.join(accounts)}"
            raise Misconfigured(settings.name, attempted, detail)

    async def close(self) -> None:
        """Close the socket and wait until it is; a peer that will not let go is cut off."""
        self._lose("closed by us")
        try:
            async with asyncio.timeout(1.0):
                await self._closed.wait()
        except TimeoutError:
            transport = self._client.conn.transport
            if transport is not None:
                transport.abort()
            await self._closed.wait()

    def drop(self, reason: str) -> None:
        """Give the connection up."""
        self._lose(reason)

    @property
    def alive(self) -> bool:
        return not self.lost.done() and self._client.isReady()

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        for key in self._questions.keys():  # noqa: SIM118 - not a dict: the names are copied
            self._questions.fail(key, Unreachable(self._settings.name, "ask the gateway", reason))
        self._client.disconnect()
        if self._client.conn.transport is None:
            self._closed.set()

    def _socket_closed(self, text: str) -> None:
        self._closed.set()
        self._lose(text or "the gateway closed the connection")

    def _client_complained(self, text: str) -> None:
        if not self.lost.done():
            self.lost.set_result(text)

    def _reading_failed(self, source: object, error: BaseException) -> None:
        # eventkit would swallow this: an exception outside the decoder, for one on bytes that are no TWS.
        _log.error("%s: cannot read the gateway: %r", self._settings.name, error, exc_info=error)
        self._illegible = True
        self._lose(f"cannot read the gateway: {error!r}")

    def _unreadable(self, message_id: str, text: str, error: BaseException | None) -> None:
        _log.error("%s: unreadable message: %s", self._settings.name, text, exc_info=error)
        if message_id in _VITAL:
            self._lose(f"cannot read a message of type {message_id}: {error!r}")

    def _heard_order_id(self, client_id: int, order_id: int) -> None:
        # Ids can roll back after a gateway restart: reusing a live order's id would modify that order.
        if client_id == self._settings.client_id:
            self._client.updateReqId(order_id + 1)

    @property
    def rate_left(self) -> Decimal:
        """What is left of this second's messages, a fraction."""
        return self._pace.left()

    @property
    def order_wait(self) -> float:
        """How many seconds the client would hold an order back."""
        return self._pace.order_wait()

    # Orders

    def place(self, contract: Contract, order: Order) -> int:
        """Write an order to the socket; return its order id. Raises ConnectionError if not connected."""
        order_id = self._client.getReqId()
        self._pace.note()
        self._client.placeOrder(order_id, contract, order)
        return order_id

    def cancel(self, order_id: int) -> None:
        self._pace.note()
        self._client.cancelOrder(order_id)

    def cancel_all(self) -> None:
        """Raises ConnectionError."""
        self._client.reqGlobalCancel()

    # Market data

    def subscribe(self, contract: Contract) -> int:
        request_id = self._client.getReqId()
        self._receiver.subscriptions.add(request_id)
        self._client.reqMktData(request_id, contract, "", False, False, [])
        return request_id

    def unsubscribe(self, request_id: int) -> None:
        self._receiver.subscriptions.discard(request_id)
        self._client.cancelMktData(request_id)

    # Questions

    async def open_orders(self) -> list[OpenOrder]:
        """Ask for every open order of the account; the listener hears each of them too."""
        return await self._ask_by_name(OPEN_ORDERS, self._client.reqAllOpenOrders)

    async def completed_orders(self) -> list[OpenOrder]:
        """Ask for the orders completed in the broker's day."""
        return await self._ask_by_name(COMPLETED_ORDERS, lambda: self._client.reqCompletedOrders(False))

    async def positions(self) -> list[Position]:
        """Ask for all positions, once: the stream that comes with them is ended."""
        rows = await self._ask_by_name(POSITIONS, self._client.reqPositions)
        self._client.cancelPositions()
        return rows

    async def current_time(self, timeout: float) -> datetime:
        """Return the broker's time, cut off to whole seconds."""
        rows = await self._ask_by_name(TIME, self._client.reqCurrentTime, timeout)
        return datetime.fromtimestamp(rows[-1], UTC)

    async def what_if(self, contract: Contract, order: Order) -> OrderState:
        """Ask what an order would do to the account's margin; ``order.whatIf`` keeps it from being placed."""
        if not order.whatIf:
            raise ValueError("that is an order, and no question")
        rows: list[OrderState] = await self._ask(
            "what an order would need",
            lambda order_id: self._client.placeOrder(order_id, contract, order),
        )
        return rows[-1]

    async def executions(self) -> list[tuple[Contract, Execution]]:
        """Ask for the account's executions; the listener hears each of them too."""
        wanted = ExecutionFilter(acctCode=self._settings.account)
        return await self._ask(
            "executions", lambda request_id: self._client.reqExecutions(request_id, wanted)
        )

    async def contract_details(self, contract: Contract) -> list[ContractDetails]:
        return await self._ask(
            "contract details", lambda request_id: self._client.reqContractDetails(request_id, contract)
        )

    async def account_summary(self, tags: str) -> list[AccountValue]:
        """Ask for account values, once. The broker allows two such streams at a time, so one is enough."""
        asked = 0

        def send(request_id: int) -> None:
            nonlocal asked
            asked = request_id
            self._client.reqAccountSummary(request_id, "All", tags)

        async with self._account_lock:
            try:
                return await self._ask("account summary", send, messages=2)
            finally:
                if asked and self.alive:
                    self._client.cancelAccountSummary(asked)

    async def _ask(self, what: str, send: Callable[[int], None], messages: int = 1) -> list[Any]:
        """Ask under a request id; ``messages`` it will take in all. Raises Unreachable."""
        await self._pace.turn(messages)
        self._check(what)
        request_id = self._client.getReqId()
        return await self._answer(what, request_id, lambda: send(request_id), self._settings.question_timeout)

    async def _ask_by_name(
        self, what: str, send: Callable[[], None], timeout: float | None = None
    ) -> list[Any]:
        """Ask what the protocol gives no id: one at a time.

        Left unanswered it ends the connection: a late answer would be taken for that of the next question.
        """
        # A task of its own: a caller who gives up must not leave half an answer on its way.
        task = asyncio.ensure_future(self._ask_alone(what, send, timeout))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _ask_alone(self, what: str, send: Callable[[], None], timeout: float | None) -> list[Any]:
        async with self._locks.setdefault(what, asyncio.Lock()):
            if what != TIME:  # the heartbeat waits for nobody
                await self._pace.turn(2 if what == POSITIONS else 1)
            self._check(what)
            return await self._answer(what, what, send, timeout or self._settings.question_timeout)

    async def _answer(self, what: str, key: Key, send: Callable[[], None], timeout: float) -> list[Any]:
        end = self._questions.begin(key)
        try:
            async with asyncio.timeout(timeout):
                send()
                await end
        except TimeoutError:
            detail = f"no answer within {timeout:g} s"
            if isinstance(key, str):
                self._lose(f"{detail} to the question for {what}")
            raise Unreachable(self._settings.name, f"ask for {what}", detail) from None
        except ConnectionError as error:
            raise Unreachable(self._settings.name, f"ask for {what}", str(error)) from error
        except VenueError as error:
            raise Unreachable(self._settings.name, f"ask for {what}", error.detail, code=error.code) from None
        finally:
            rows = self._questions.take(key)
            if end.done() and not end.cancelled():
                end.exception()  # taken note of, should the caller have given up at this very moment
        return rows

    def _check(self, what: str) -> None:
        if not self.alive:
            raise Unreachable(self._settings.name, f"ask for {what}", "not connected")
