"""When a contract can be traded, as far as its venue has announced it.

Nothing here knows a weekday: a closure is what the announcement leaves out (DOMAIN.md, section 1). What lies beyond the
announcement is not known, which is neither open nor closed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise


class Session(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From ``start`` (inclusive) to ``end`` (exclusive), aware."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("the ends of a span must be aware times")
        if not self.start < self.end:
            raise ValueError(f"a span must end after it starts: {self.start} to {self.end}")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


_EVER = Span(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class TradingHours:
    """``open``: ascending and apart, within ``known``. ``known``: what the announcement covers, None if nothing;
    ``trouble`` then says why."""

    open: tuple[Span, ...]
    known: Span | None
    trouble: str = ""

    @classmethod
    def of(cls, sessions: Iterable[Span], known: Span) -> "TradingHours":
        """Build from sessions in any order; those that touch are one. Raises ValueError if any two overlap."""
        ordered = sorted(set(sessions))
        for earlier, later in pairwise(ordered):
            if later.start < earlier.end:
                raise ValueError(f"two sessions overlap at {later.start:%F %R}Z")
        merged: list[Span] = []
        for span in ordered:
            if merged and merged[-1].end == span.start:
                merged[-1] = Span(merged[-1].start, span.end)
            else:
                merged.append(span)
        if merged and not (known.start <= merged[0].start and merged[-1].end <= known.end):
            raise ValueError("a session lies outside what the announcement covers")
        return cls(tuple(merged), known)

    @classmethod
    def always(cls) -> "TradingHours":
        """A market that never closes."""
        return cls((_EVER,), _EVER)

    @classmethod
    def unknown(cls, trouble: str) -> "TradingHours":
        """Hours that were not announced, or not understood."""
        return cls((), None, trouble)

    def session(self, at: datetime) -> Session:
        if self.known is None or at not in self.known:
            return Session.UNKNOWN
        return Session.OPEN if self._around(at) is not None else Session.CLOSED

    def closes(self, at: datetime) -> datetime | None:
        """Return when the session of ``at`` ends, or stops being known; None outside a session."""
        span = self._around(at)
        return None if span is None else span.end

    def opens(self, at: datetime) -> datetime | None:
        """Return when the first session after ``at`` opens; None while none is announced."""
        return next((span.start for span in self.open if span.start > at), None)

    def trades_for(self, at: datetime, margin: timedelta) -> bool:
        """Say whether it is known to be open from ``at`` until ``margin`` later."""
        end = self.closes(at)
        return end is not None and end - at >= margin

    def closures(self, longer_than: timedelta = timedelta(0)) -> tuple[Span, ...]:
        """Return the announced closures of more than ``longer_than``, oldest first.

        One that the announcement cuts off counts as long as it is known: it may be longer.
        """
        if self.known is None:
            return ()
        edges = [
            self.known.start,
            *(edge for span in self.open for edge in (span.start, span.end)),
            self.known.end,
        ]
        gaps = (Span(edges[n], edges[n + 1]) for n in range(0, len(edges), 2) if edges[n] < edges[n + 1])
        return tuple(gap for gap in gaps if gap.length > longer_than)

    def _around(self, at: datetime) -> Span | None:
        return next((span for span in self.open if at in span), None)
