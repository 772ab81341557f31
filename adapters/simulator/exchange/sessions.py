"""When a venue trades."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Session:
    """Open from ``opens`` (inclusive) to ``closes`` (exclusive), aware UTC."""

    opens: datetime
    closes: datetime

    def __post_init__(self) -> None:
        if self.opens.tzinfo is None or self.closes.tzinfo is None:
            raise ValueError("a session's times must be aware")
        if not self.opens < self.closes:
            raise ValueError(f"a session must open before it closes: {self.opens} to {self.closes}")


@dataclass(frozen=True, slots=True)
class Sessions:
    """The open intervals, ascending and apart; None means always open."""

    intervals: tuple[Session, ...] | None

    @classmethod
    def of(cls, intervals: Iterable[Session]) -> "Sessions":
        ordered = tuple(sorted(intervals, key=lambda session: session.opens))
        for earlier, later in pairwise(ordered):
            if later.opens < earlier.closes:
                raise ValueError(f"sessions overlap at {later.opens}")
        return cls(ordered)

    def is_open(self, now: datetime) -> bool:
        if self.intervals is None:
            return True
        place = bisect_right(self.intervals, now, key=lambda session: session.opens)
        return place > 0 and now < self.intervals[place - 1].closes

    def between(self, start: datetime, end: datetime) -> tuple[Session, ...]:
        """Return the open intervals that touch ``start`` to ``end``, clipped to them."""
        intervals = (Session(start, end),) if self.intervals is None else self.intervals
        return tuple(
            Session(max(session.opens, start), min(session.closes, end))
            for session in intervals
            if session.opens < end and session.closes > start
        )


ALWAYS_OPEN = Sessions(None)
