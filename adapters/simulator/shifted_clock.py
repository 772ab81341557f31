"""A venue's own clock, wrong by so much: what it stamps, and what it holds signatures against."""

from datetime import datetime, timedelta

from adapters.clock import Clock


class ShiftedClock:
    def __init__(self, clock: Clock, ahead: timedelta) -> None:
        self._clock = clock
        self._ahead = ahead

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()


def shifted(clock: Clock, ahead: timedelta) -> Clock:
    """Return ``clock`` as it is where it is right."""
    return ShiftedClock(clock, ahead) if ahead else clock
