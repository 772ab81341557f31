"""When a perpetual's funding falls due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FundingSchedule:
    """``rate``: ppm per interval, longs pay when positive. The default falls at 04:00, 12:00, 20:00 UTC.

    ``recorded``: what was really paid, by the time it fell due; ``rate`` is for every other time.
    """

    rate: int = 100
    interval: timedelta = timedelta(hours=8)
    offset: timedelta = timedelta(hours=4)
    recorded: Mapping[datetime, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.interval <= timedelta(0):
            raise ValueError(f"a funding interval must be positive, not {self.interval}")

    @classmethod
    def through(cls, due: datetime, rate: int, interval: timedelta) -> "FundingSchedule":
        """Return the schedule that falls at ``due``, and every ``interval`` before and after."""
        return cls(rate, interval, (due - _EPOCH) % interval)

    def rate_at(self, due: datetime) -> int:
        """Return the rate (ppm) that falls due at ``due``; the venue announces it an interval before."""
        return self.recorded.get(due, self.rate)

    def next_after(self, now: datetime) -> datetime:
        """Return the first funding time strictly after ``now``."""
        since = now - _EPOCH - self.offset
        return _EPOCH + self.offset + (since // self.interval + 1) * self.interval
