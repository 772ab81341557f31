"""What an expired contract settles at: an average of the index, so that no single print decides.

Inverse futures: the time-weighted average of the 30 minutes before the end. CME: like the CME CF BRR, the mean
over twelve five-minute spans of the hour before it of each one's (time-weighted) median.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.simulator.exchange.value import half_even

TWAP_SPAN = timedelta(minutes=30)
BRR_SPAN = timedelta(hours=1)
BRR_PARTS = 12
_MICROSECOND = timedelta(microseconds=1)

Held = tuple[int, int]
"""A price (cents) and for how many microseconds it stood."""


@dataclass(slots=True)
class IndexHistory:
    """The index of the last ``span``, each value from its time on."""

    span: timedelta = BRR_SPAN
    _points: deque[tuple[datetime, int]] = field(default_factory=deque)

    def note(self, now: datetime, index: int) -> None:
        if self._points and self._points[-1][1] == index:
            return
        self._points.append((now, index))
        while len(self._points) > 1 and self._points[1][0] <= now - self.span:
            self._points.popleft()

    def between(self, start: datetime, end: datetime) -> list[Held]:
        """Return what stood from ``start`` to ``end``; the time before the first point is left out."""
        points = list(self._points)
        ends = [*(at for at, _ in points[1:]), end]
        held = []
        for (since, price), until in zip(points, ends, strict=False):
            stood = (min(until, end) - max(since, start)) // _MICROSECOND
            if stood > 0:
                held.append((price, stood))
        return held


def twap(history: IndexHistory, end: datetime) -> int | None:
    """Return the time-weighted average of the 30 minutes before ``end`` (cents); None if nothing is known."""
    held = history.between(end - TWAP_SPAN, end)
    return half_even(sum(price * stood for price, stood in held), _total(held)) if held else None


def brr(history: IndexHistory, end: datetime) -> int | None:
    """Return the mean of the medians of the twelve parts of the hour before ``end`` that are known (cents)."""
    part = BRR_SPAN / BRR_PARTS
    starts = [end - BRR_SPAN + number * part for number in range(BRR_PARTS)]
    medians = [_median(held) for start in starts if (held := history.between(start, start + part))]
    return half_even(sum(medians), len(medians)) if medians else None


def _median(held: Iterable[Held]) -> int:
    ordered = sorted(held)
    half, stood = _total(ordered), 0
    for price, duration in ordered:
        stood += duration
        if 2 * stood >= half:
            return price
    return ordered[-1][0]


def _total(held: Sequence[Held]) -> int:
    return sum(stood for _, stood in held)
