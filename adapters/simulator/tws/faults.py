"""What the gateway can do wrong, and when each fault has its chance."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.simulator.faults import FaultKind, FaultPlan

TWS_FAULTS = frozenset(
    {
        FaultKind.REFUSED,
        FaultKind.LOST,
        FaultKind.UNANSWERED,
        FaultKind.HUNG,
        FaultKind.DROPPED_LINK,
        FaultKind.DUPLICATE,
        FaultKind.LATE,
        FaultKind.REORDERED,
        FaultKind.GAP,
        FaultKind.STALE,
        FaultKind.CORRECTED,
        FaultKind.BUST,
        FaultKind.GATEWAY_RESTART,
    }
)


@dataclass(slots=True)
class Faults:
    """A gateway's faults; they outlive its restarts. Opportunities:

    a new order: REFUSED (201), UNANSWERED (nothing of it is told on the link that sent it; a question about it is
    answered), GATEWAY_RESTART once it has been placed; it, a change or a cancel: LOST; any message of a client:
    HUNG (requests are carried out, what would have been sent meanwhile is lost); a message about an order, an
    execution or a commission on one link: DROPPED_LINK, GAP, REORDERED, LATE, DUPLICATE; a trade of
    the account's: CORRECTED, BUST (told again as ``.02``); a change of a book: STALE.

    Switches, all off: ``silent_orders``: so many of the next orders are UNANSWERED. ``duplicate_executions``:
    every execution is told twice. ``preset_tif``: an order without a time in force is told 10349 and lives on as
    DAY. ``read_only``: orders and cancels are refused (321). ``position_first``: a position is told before the
    execution that changed it. Raises ValueError for a plan with kinds the gateway has not.
    """

    plan: FaultPlan
    silent_orders: int = 0
    duplicate_executions: bool = False
    preset_tif: bool = False
    read_only: bool = False
    position_first: bool = False
    _hung_until: datetime | None = None
    _demanded: Counter[FaultKind] = field(default_factory=Counter)
    _restart: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        rates = self.plan.rates.rates
        strange = sorted(kind for kind, rate in rates.items() if rate and kind not in TWS_FAULTS)
        if strange:
            raise ValueError(f"the gateway has no fault {', '.join(strange)}")

    @property
    def counts(self) -> Mapping[FaultKind, int]:
        """How often each kind has happened, by rate and on demand; those with a rate from the start, at 0."""
        return {
            kind: self.plan.counts.get(kind, 0) + self._demanded[kind]
            for kind in {*self.plan.counts, *self._demanded}
        }

    def next(self, kind: FaultKind, times: int = 1) -> None:
        """Let the next ``times`` opportunities of a kind be taken."""
        self.plan.force(kind, times)

    def note(self, kind: FaultKind) -> None:
        """Count a fault that a test or a switch brought about."""
        self._demanded[kind] += 1

    def hang(self, now: datetime, duration: timedelta) -> None:
        """Swallow all answers for ``duration``."""
        self.note(FaultKind.HUNG)
        self._hung_until = now + duration

    def is_hung(self, now: datetime) -> bool:
        by_hand = self._hung_until is not None and now < self._hung_until
        return by_hand or self.plan.remaining(FaultKind.HUNG) > 0

    def meet_message(self) -> None:
        """A client has sent something."""
        self.plan.lasting(FaultKind.HUNG)

    def loses(self) -> bool:
        """Return whether the order, change or cancel now coming in never arrives."""
        return self.plan.strikes(FaultKind.LOST)

    def take_silent(self) -> bool:
        """Return whether the order now coming in is to be kept silent about."""
        if self.silent_orders <= 0:
            return self.plan.strikes(FaultKind.UNANSWERED)
        self.silent_orders -= 1
        self.note(FaultKind.UNANSWERED)
        return True

    def on_restart(self, restart: Callable[[], None]) -> None:
        """The server's side of GATEWAY_RESTART."""
        self._restart = restart

    def meet_placed(self) -> None:
        """An order has been placed."""
        if self._restart is not None and self.plan.strikes(FaultKind.GATEWAY_RESTART):
            self._restart()
