"""Times in which a leg cannot be traded, or cannot be funded: a closure is either (DESIGN.md, promise 8).

Nothing knows a weekday but the weekly windows the profile names (hours without wires, the broker's own login). All
else is what the venue announces. A closure is long, or is not, by its length alone: the two-minute pause, the daily
hour, the window on Saturday and the classic weekend are the same thing at different lengths.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from risk.sessions import Session, Span, TradingHours

_WEEK = timedelta(days=7)
_AROUND = timedelta(days=21)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A window that comes back every week, in local time. Days count from Monday, 0."""

    name: str
    from_day: int
    from_time: time
    to_day: int
    to_time: time
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if not (0 <= self.from_day <= 6 and 0 <= self.to_day <= 6):
            raise ValueError(f"{self.name}: a day of the week runs from 0 to 6")
        if (self.from_day, self.from_time) == (self.to_day, self.to_time):
            raise ValueError(f"{self.name}: a window must not end when it starts")

    def spans(self, within: Span) -> tuple[Span, ...]:
        """Return the window's turns that touch ``within``, each whole, oldest first."""
        monday = (within.start - 2 * _WEEK).astimezone(self.zone).date()
        monday -= timedelta(days=monday.weekday())
        found: list[Span] = []
        while True:
            start = self._at(monday, self.from_day, self.from_time)
            if start >= within.end:
                return tuple(found)
            later = (self.to_day, self.to_time) < (self.from_day, self.from_time)
            end = self._at(monday + (_WEEK if later else timedelta(0)), self.to_day, self.to_time)
            if end > within.start:
                found.append(Span(start, end))
            monday += _WEEK

    def _at(self, monday: date, day: int, clock: time) -> datetime:
        local = datetime.combine(monday + timedelta(days=day), clock, self.zone)
        return local.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Closure:
    """``span``: from when until when; ``why``: what cannot be done meanwhile, for people. ``tradable``: it is only
    money that cannot move."""

    span: Span
    why: str
    tradable: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """Which closures are long: ``untradable`` and ``unfundable``: longer than these. ``outages``: weekly windows in
    which the broker serves nobody; ``no_wires``: in which no money arrives."""

    untradable: timedelta
    unfundable: timedelta
    outages: tuple[Weekly, ...] = ()
    no_wires: tuple[Weekly, ...] = ()


def long_closures(hours: TradingHours, rules: Rules, now: datetime) -> tuple[Closure, ...]:
    """Return the long closures of what is announced, oldest first; they may overlap.

    Of what is announced for longer, for ever perhaps, three weeks on either side of ``now``.
    """
    known = _near(hours.known, now)
    if known is None:
        return ()
    near = (_near(span, now) for span in hours.closures())
    shut = [*(span for span in near if span is not None), *_all(rules.outages, known)]
    dry = _all(rules.no_wires, known)
    return tuple(
        sorted(
            (
                *(
                    Closure(span, "the market cannot be traded", tradable=False)
                    for span in _joined(shut)
                    if span.length > rules.untradable
                ),
                *(
                    Closure(span, "no money arrives", tradable=True)
                    for span in _joined(dry)
                    if span.length > rules.unfundable
                ),
            ),
            key=lambda closure: (closure.span, closure.tradable),
        )
    )


def ahead(closures: Sequence[Closure], now: datetime) -> Closure | None:
    """Return the closure that has begun, or else the next to begin."""
    return next((closure for closure in closures if now < closure.span.end), None)


def arrival(sent: datetime, takes: timedelta, windows: Iterable[Weekly]) -> datetime:
    """Return when money ``sent`` then is there: after what it ``takes``, or at the end of the window in which nothing
    arrives."""
    at = sent + takes
    for span in _joined(_all(windows, Span(at, at + _MOMENT))):
        if at in span:
            return span.end
    return at


def is_open(hours: TradingHours, rules: Rules, now: datetime) -> bool:
    """Say whether the market trades now, the broker's own outages counted."""
    if hours.known is None or hours.session(now) is not Session.OPEN:
        return False
    return not any(now in span for span in _all(rules.outages, Span(now, now + _MOMENT)))


def _near(span: Span | None, now: datetime) -> Span | None:
    if span is None or span.start >= now + _AROUND or span.end <= now - _AROUND:
        return None
    return Span(max(span.start, now - _AROUND), min(span.end, now + _AROUND))


def _all(windows: Iterable[Weekly], within: Span) -> list[Span]:
    return [span for window in windows for span in window.spans(within)]


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans' union, oldest first."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined
