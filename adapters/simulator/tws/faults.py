"""Faults a test or a scenario switches on. All are off by default."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(slots=True)
class Faults:
    """What goes wrong at the gateway.

    ``silent_orders``: so many of the next orders are accepted and never mentioned on the link that sent them
    (a question about them is answered). ``hung_until``: until then nothing at all is sent, and what would
    have been sent is lost, while requests are still carried out. ``duplicate_executions``: every execution
    is told twice. ``preset_tif``: an order without a time in force is told 10349 and lives on as DAY.
    ``read_only``: orders and cancels are refused (321).
    """

    silent_orders: int = 0
    hung_until: datetime | None = None
    duplicate_executions: bool = False
    preset_tif: bool = False
    read_only: bool = False

    def hang(self, now: datetime, duration: timedelta) -> None:
        """Swallow all answers for ``duration``."""
        self.hung_until = now + duration

    def is_hung(self, now: datetime) -> bool:
        return self.hung_until is not None and now < self.hung_until

    def take_silent(self) -> bool:
        """Return whether the order now coming in is to be kept silent about."""
        if self.silent_orders <= 0:
            return False
        self.silent_orders -= 1
        return True
