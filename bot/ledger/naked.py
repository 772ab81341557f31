"""How naked a plan's legs were, and for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from risk.money import from_units

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PlanExposure:
    """How naked a plan's legs were: the largest |Σ of their fills in XBT|, and its integral over time.

    ``longest_naked_seconds``: the longest time that more than the finer contract's lot was without its answer.
    """

    plan_id: str
    max_naked_delta_xbt: Decimal
    naked_xbt_seconds: Decimal
    longest_naked_seconds: Decimal


class Exposure:
    """The running sum of a plan's spread legs, by the time we heard of each fill."""

    def __init__(self) -> None:
        self._naked = 0
        self._since: datetime | None = None
        self._largest = 0
        self._integral = Decimal(0)
        self._finished = False
        self._lot = Decimal(0)
        self._open_since: datetime | None = None
        self._longest = timedelta(0)

    def trade(self, xbt_units: int, at: datetime, lot_xbt: Decimal | None) -> None:
        """Take what a spread leg traded (signed, 1e-8 XBT); what is below ``lot_xbt`` nobody could hedge.

        None: a trade of before is restated, and the lot is what it was. After a plan's end that counts from then on,
        without the rest it had carried.
        """
        if lot_xbt is None and self._finished:
            self._finished, self._naked, self._since, self._open_since = False, 0, at, None
        self._elapse(at)
        self._lot = self._lot if lot_xbt is None else lot_xbt
        self._naked += xbt_units
        self._largest = max(self._largest, abs(self._naked))
        if not self._naked or abs(from_units(self._naked)) < self._lot:
            self._open_since = None
        elif self._open_since is None:
            self._open_since = self._since

    def finish(self, at: datetime) -> None:
        self._elapse(at)
        self._finished = True

    def result(self, plan_id: str, until: datetime | None) -> PlanExposure:
        """Close the account; a plan that is not finished is naked up to ``until``, the last event."""
        if until is not None:
            self._elapse(until)
        return PlanExposure(
            plan_id,
            from_units(self._largest),
            self._integral,
            Decimal(self._longest // _MICROSECOND) / 1_000_000,
        )

    def _elapse(self, to: datetime) -> None:
        # After its end a plan's rest waits for no hedge; and a clock that was set back makes no time negative.
        if self._finished or (self._since is not None and to <= self._since):
            return
        if self._since is not None:
            passed = Decimal((to - self._since) // _MICROSECOND) / 1_000_000
            self._integral += from_units(abs(self._naked)) * passed
        self._since = to
        if self._open_since is not None:
            self._longest = max(self._longest, to - self._open_since)
