"""Events on their way to the listeners: posted while a call changes things, told when it is done."""

from collections import deque
from collections.abc import Callable

from adapters.simulator.exchange.events import ExchangeEvent, Listener


class Outbox:
    """Tells events in order, to listeners in the order they came. A listener may call the exchange again:

    what that causes is told after what is already waiting.
    """

    def __init__(self) -> None:
        self._listeners: dict[int, Listener] = {}
        self._keys = 0
        self._waiting: deque[ExchangeEvent] = deque()
        self._telling = False

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._keys += 1
        key = self._keys
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def post(self, event: ExchangeEvent) -> None:
        self._waiting.append(event)

    def flush(self) -> None:
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                event = self._waiting.popleft()
                for listener in tuple(self._listeners.values()):
                    listener(event)
        finally:
            self._telling = False
