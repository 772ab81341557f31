"""ib_async's protocol client, typed, and its decoder, made to tell what it cannot read."""

import logging
from collections.abc import Callable
from typing import Any, Protocol, cast

from ib_async.client import Client
from ib_async.contract import Contract
from ib_async.decoder import Decoder
from ib_async.objects import ExecutionFilter
from ib_async.order import Order

from adapters.ibkr.receiver import Receiver

# Whatever ib_async's client has to say reaches the caller as an exception or as the reason of a lost link.
logging.getLogger("ib_async.client").setLevel(logging.CRITICAL + 1)

Unreadable = Callable[[str, str, BaseException | None], None]
"""Takes a message's number, what the decoder says of it, and the error."""


class TwsClient(Protocol):
    """The part of ib_async's (untyped) client that is used here."""

    decoder: Decoder
    conn: Any
    apiError: Any  # noqa: N815

    async def connectAsync(self, host: str, port: int, client_id: int, timeout: float) -> None: ...  # noqa: N802
    def disconnect(self) -> None: ...
    def isReady(self) -> bool: ...  # noqa: N802
    def getReqId(self) -> int: ...  # noqa: N802
    def updateReqId(self, at_least: int) -> None: ...  # noqa: N802
    def getAccounts(self) -> list[str]: ...  # noqa: N802
    def placeOrder(self, order_id: int, contract: Contract, order: Order) -> None: ...  # noqa: N802
    def cancelOrder(self, order_id: int) -> None: ...  # noqa: N802
    def reqGlobalCancel(self) -> None: ...  # noqa: N802
    def reqAllOpenOrders(self) -> None: ...  # noqa: N802
    def reqCompletedOrders(self, api_only: bool) -> None: ...  # noqa: N802
    def reqExecutions(self, request_id: int, wanted: ExecutionFilter) -> None: ...  # noqa: N802
    def reqPositions(self) -> None: ...  # noqa: N802
    def cancelPositions(self) -> None: ...  # noqa: N802
    def reqContractDetails(self, request_id: int, contract: Contract) -> None: ...  # noqa: N802
    def reqAccountSummary(self, request_id: int, group: str, tags: str) -> None: ...  # noqa: N802
    def cancelAccountSummary(self, request_id: int) -> None: ...  # noqa: N802
    def reqCurrentTime(self) -> None: ...  # noqa: N802
    def cancelMktData(self, request_id: int) -> None: ...  # noqa: N802
    def reqMktData(  # noqa: N802
        self,
        request_id: int,
        contract: Contract,
        generic_ticks: str,
        snapshot: bool,
        regulatory: bool,
        options: list[Any],
    ) -> None: ...


def make_client(receiver: Receiver, unreadable: Unreadable) -> TwsClient:
    client = cast(TwsClient, Client(receiver))  # type: ignore[no-untyped-call]
    client.decoder = _VigilantDecoder(receiver, unreadable)
    return client


class _VigilantDecoder(Decoder):
    """ib_async's decoder logs what it cannot read and goes on; this one also tells us."""

    def __init__(self, receiver: Receiver, unreadable: Unreadable) -> None:
        super().__init__(cast(Any, receiver), 0)
        self._reading = ""
        log = logging.Logger(f"{__name__}.decoder")
        log.addHandler(_Told(lambda text, error: unreadable(self._reading, text, error)))
        self.logger = log

    def interpret(self, fields: list[str]) -> None:
        self._reading = fields[0] if fields else ""
        super().interpret(fields)  # type: ignore[no-untyped-call]


class _Told(logging.Handler):
    def __init__(self, tell: Callable[[str, BaseException | None], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage(), record.exc_info[1] if record.exc_info else None)
