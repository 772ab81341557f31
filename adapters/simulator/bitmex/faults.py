"""Faults on demand, all off until asked for."""

from collections import deque
from collections.abc import Callable
from enum import StrEnum


class OrderFault(StrEnum):
    """NO_ANSWER: the order is accepted, its answer never comes (the connection dies). OVERLOADED: 503, and the
    order never reached the engine."""

    NO_ANSWER = "no_answer"
    OVERLOADED = "overloaded"


class Faults:
    """Given to a server; a test or a scenario turns them on.

    ``answer_delay_ms`` holds back every HTTP answer (the request itself is carried out at once).
    """

    def __init__(self) -> None:
        self.answer_delay_ms = 0
        self._orders: deque[OrderFault] = deque()
        self._drop: Callable[[], int] | None = None

    def next_order(self, fault: OrderFault, times: int = 1) -> None:
        """Let the next ``times`` new orders meet ``fault``, after those already set."""
        self._orders.extend([fault] * times)

    def drop_websockets(self) -> int:
        """Cut every websocket now, without a closing handshake; return how many there were."""
        return self._drop() if self._drop else 0

    def take_order_fault(self) -> OrderFault | None:
        """Return what the order at hand shall meet, once."""
        return self._orders.popleft() if self._orders else None

    def on_drop(self, drop: Callable[[], int]) -> None:
        """The server's side of ``drop_websockets``."""
        self._drop = drop
