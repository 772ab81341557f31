"""How far a venue's clock is from ours, from whatever it tells of the time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.venue import ClockSeen
from risk.portfolio import Skew

AGAIN = timedelta(seconds=30)
"""Between two tellings of a clock that goes on as it did."""


def skew_of(told: datetime, coarse: timedelta, asked: datetime, answered: datetime) -> Skew:
    """Return what one answer proves. The venue said ``told``, cut off to ``coarse``, at some moment between ``asked``
    and ``answered`` by our clock: so its clock is ahead by at least told − answered, at most told + coarse − asked."""
    least = told - answered
    return Skew(least, max(told + coarse - asked, least))


class ClockWatch:
    """Tells what is new of one venue's clock: the first word, a change, and that it still goes every half minute."""

    def __init__(self, venue: str, clock: Clock, tell: Callable[[ClockSeen], None]) -> None:
        self._venue = venue
        self._clock = clock
        self._tell = tell
        self._last: tuple[Skew, datetime] | None = None

    def heard(self, told: datetime, coarse: timedelta, asked: datetime) -> None:
        """Take in what the venue said just now, having been asked at ``asked``."""
        now = self._clock.now()
        skew = skew_of(told, coarse, asked, now)
        if self._last is not None:
            last, at = self._last
            agrees = skew.least <= last.most and last.least <= skew.most
            if agrees and timedelta(0) <= now - at < AGAIN:
                return
        self._last = skew, now
        self._tell(ClockSeen(self._venue, skew))

    def forget(self) -> None:
        """A new connection: the next word is told, whatever it is."""
        self._last = None
