"""What this venue can do wrong, and when each fault has its chance."""

import asyncio
from collections.abc import Callable

from adapters.simulator.faults import FaultKind, FaultPlan

_OF_NEW_ORDERS = (FaultKind.OVERLOADED, FaultKind.REFUSED)
_OF_ORDER_ROUTES = (FaultKind.LOST, FaultKind.UNANSWERED)
BITMEX_FAULTS = frozenset(
    {
        *_OF_NEW_ORDERS,
        *_OF_ORDER_ROUTES,
        FaultKind.RATE_LIMITED,
        FaultKind.BANNED,
        FaultKind.HUNG,
        FaultKind.DROPPED_LINK,
        FaultKind.DUPLICATE,
        FaultKind.LATE,
        FaultKind.REORDERED,
        FaultKind.GAP,
        FaultKind.STALE,
        FaultKind.CORRECTED,
        FaultKind.BUST,
    }
)


class Faults:
    """A server's faults. Opportunities:

    a new order: OVERLOADED, REFUSED; it, an amend or a cancel: LOST, UNANSWERED; any signed request: HUNG,
    BANNED; one of an order or position that is no cancel: RATE_LIMITED (another program of the account has spent
    this second's requests); an order or execution message on one link: DROPPED_LINK, DUPLICATE, LATE, REORDERED,
    GAP; a change of a book: STALE; a trade of the account's: CORRECTED, BUST.

    ``answer_delay_ms`` holds back every HTTP answer (the request itself is carried out at once). Raises
    ValueError for a plan with kinds the venue has not.
    """

    def __init__(self, plan: FaultPlan) -> None:
        strange = sorted(
            kind for kind, rate in plan.rates.rates.items() if rate and kind not in BITMEX_FAULTS
        )
        if strange:
            raise ValueError(f"BitMEX has no fault {', '.join(strange)}")
        self.plan = plan
        self.answer_delay_ms = 0
        self._drop: Callable[[], int] | None = None

    def next_order(self, kind: FaultKind, times: int = 1) -> None:
        """Let the next ``times`` new orders meet one of the faults of orders."""
        self.plan.force(kind, times)

    def drop_websockets(self) -> int:
        """Cut every websocket now, without a closing handshake; return how many there were."""
        return self._drop() if self._drop else 0

    def of_order(self, *, is_new: bool) -> FaultKind | None:
        """Return what the request at hand, for a route that reaches the engine, shall meet."""
        kinds = (*_OF_NEW_ORDERS, *_OF_ORDER_ROUTES) if is_new else _OF_ORDER_ROUTES
        return next((kind for kind in kinds if self.plan.strikes(kind)), None)

    async def hang(self) -> None:
        """Wait while the venue sends nothing."""
        left = self.plan.remaining(FaultKind.HUNG)
        if left:
            await asyncio.sleep(left)

    def on_drop(self, drop: Callable[[], int]) -> None:
        """The server's side of ``drop_websockets``."""
        self._drop = drop
