"""What an in-process venue can do wrong, and when each fault has its chance."""

import random
from collections.abc import Iterable
from datetime import timedelta

from adapters.simulator.faults import FaultKind, FaultPlan

_BEFORE = (FaultKind.RATE_LIMITED, FaultKind.REFUSED, FaultKind.OVERLOADED, FaultKind.LOST)
_OF_ORDERS = (FaultKind.FALSE_CANCEL, FaultKind.UNANSWERED, FaultKind.GATEWAY_RESTART, FaultKind.DELAYED)
_BELIEVED_ABSENT = 12.0
"""Seconds after which the bot believes a venue that says it knows no such order."""
_OF_ALL = (
    FaultKind.REFUSED,
    FaultKind.LOST,
    FaultKind.UNANSWERED,
    FaultKind.DELAYED,
    FaultKind.HUNG,
    FaultKind.DROPPED_LINK,
    FaultKind.DUPLICATE,
    FaultKind.LATE,
    FaultKind.REORDERED,
    FaultKind.GAP,
    FaultKind.STALE,
    FaultKind.CORRECTED,
    FaultKind.BUST,
)
INVERSE_FAULTS = frozenset({*_OF_ALL, FaultKind.OVERLOADED, FaultKind.RATE_LIMITED, FaultKind.BANNED})
LINEAR_FAULTS = frozenset({*_OF_ALL, FaultKind.FALSE_CANCEL, FaultKind.GATEWAY_RESTART})
"""What each venue does wrong in life: the exchange answers 503, 429 and 403; the broker restarts its gateway."""


class InProcessFaults:
    """The faults of one venue; they outlive its bot. ``timeout``: how long the client waits for an answer.
    ``down_until``: on the clock's ``monotonic``; before it nobody can connect. ``called_off``: by client id, the
    contracts of orders that fill although they were told cancelled, or had long been given up.

    Opportunities. A new order: REFUSED (the broker acknowledges some of these first), OVERLOADED, RATE_LIMITED, LOST,
    UNANSWERED (nothing of it is told before somebody asks), DELAYED (one in twelve until nobody believes in it any
    more), FALSE_CANCEL, and GATEWAY_RESTART (it is placed, and no more than acknowledged). It and any question: HUNG,
    BANNED; a question: RATE_LIMITED. An order's, execution's, commission's or cash message: DROPPED_LINK, GAP,
    REORDERED, LATE, DUPLICATE; a change of a book: STALE; a trade: CORRECTED, BUST.
    """

    def __init__(self, plan: FaultPlan, seed: int, timeout: timedelta = timedelta(seconds=3)) -> None:
        self.plan = plan
        self.timeout = timeout.total_seconds()
        self._random = random.Random(f"in-process:{seed}")
        self.down_until = 0.0
        self.called_off: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._forgotten: set[str] = set()

    def of_order(self) -> FaultKind | None:
        """Return what the order at hand shall meet."""
        if self.plan.lasting(FaultKind.BANNED):
            return FaultKind.BANNED
        return next((kind for kind in (*_BEFORE, *_OF_ORDERS) if self.plan.strikes(kind)), None)

    def delay(self, client_id: str, contracts: int) -> float:
        """Draw how many seconds an order is on its way."""
        seconds = self._random.uniform(0, 8) if self._random.randrange(12) else self._random.uniform(15, 40)
        if seconds > _BELIEVED_ABSENT:
            self.called_off[client_id] = contracts
        return seconds

    def short_delay(self) -> float:
        return self._random.uniform(0, 2)

    def acknowledges_first(self) -> bool:
        """Draw whether an order is acknowledged before it is refused."""
        return self._random.random() < 0.5

    def outage(self) -> float:
        """Draw for how many seconds a link is down."""
        return self._random.choice((0.2, 1, 3, 8, 25)) * self._random.uniform(0.5, 1.5)

    def forgets(self) -> bool:
        """Draw whether a client that connects again is told by itself what it missed, or has to ask."""
        return self._random.random() < 0.5

    def restart(self, nothing_filled: Iterable[str]) -> None:
        """Begin the order ids anew, and forget the orders (by client id) of which nothing has filled."""
        self._numbers.clear()
        self._forgotten.update(nothing_filled)

    def has_forgotten(self, client_id: str) -> bool:
        return client_id in self._forgotten

    def number(self, order_id: str) -> str:
        """Return the id an order goes by since the last restart of the gateway."""
        return str(self._numbers.setdefault(order_id, len(self._numbers) + 1))

    def commission_delay(self) -> float:
        return self._random.choice((0.02, 0.3, 2, 20)) * self._random.uniform(0.5, 1.5)
