"""Trading hours in the broker's text, in the contract's time zone."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from adapters.simulator.exchange.sessions import Session, Sessions

CHICAGO_NAME = "US/Central"
CHICAGO = ZoneInfo(CHICAGO_NAME)
DAYS_AHEAD = 7
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class HoursStyle(Enum):
    """DATED: both ends of a session carry their date. BY_TRADE_DATE, the older: each day's ranges without."""

    DATED = "dated"
    BY_TRADE_DATE = "by trade date"


def hours_text(sessions: Sessions, now: datetime, style: HoursStyle = HoursStyle.DATED) -> str:
    """Return the sessions of this week. The text knows no seconds: a pause without a whole minute is not announced.

    DATED: ``20261122:1700-20261123:1600;20261128:CLOSED;…``: a session stands under the day it opens; a day no
    session touches is CLOSED. BY_TRADE_DATE: ``20261123:1700-1515,1530-1600;20261128:CLOSED;…``: under the day it
    closes; where it opens no earlier than it closes, it opened the day before. One of more than a day is cut
    at midnights.
    """
    sessions = _whole_minutes(sessions)
    first = now.astimezone(CHICAGO).date()
    days = [first + timedelta(days=n) for n in range(DAYS_AHEAD)]
    if style is HoursStyle.BY_TRADE_DATE:
        return _by_trade_date(sessions, days)
    intervals = _daily(days) if sessions.intervals is None else sessions.intervals
    local = [(s.opens.astimezone(CHICAGO), s.closes.astimezone(CHICAGO)) for s in intervals]
    parts = [_range(opens, closes) for opens, closes in local if opens.date() < first <= closes.date()]
    for day in days:
        opening = [(opens, closes) for opens, closes in local if opens.date() == day]
        parts += [_range(opens, closes) for opens, closes in opening]
        if not any(opens.date() <= day and closes > _midnight(day) for opens, closes in local):
            parts.append(f"{day:%Y%m%d}:CLOSED")
    return ";".join(parts)


def closes_at(sessions: Sessions, now: datetime) -> datetime:
    """Return when a day order sent now ends: with its session, or at 16:00 in Chicago where there is none."""
    for session in sessions.intervals or ():
        if session.closes > now:
            return session.closes
    local = now.astimezone(CHICAGO)
    end = local.replace(hour=16, minute=0, second=0, microsecond=0)
    return end if end > local else end + timedelta(days=1)


def next_open(sessions: Sessions, now: datetime) -> datetime | None:
    """Return when the next session opens; None if none is announced."""
    return min((s.opens for s in sessions.intervals or () if s.opens > now), default=None)


def stamp(at: datetime, *, with_zone: bool = True) -> str:
    """Return a moment as the broker writes it: ``20261122 02:43:00 US/Central``, older: without the zone."""
    text = f"{at.astimezone(CHICAGO):%Y%m%d %H:%M:%S}"
    return f"{text} {CHICAGO_NAME}" if with_zone else text.replace(" ", "  ")


def _whole_minutes(sessions: Sessions) -> Sessions:
    """Widen each session to whole minutes: of a pause, the whole minutes within it are left, if there are any."""
    if sessions.intervals is None:
        return sessions
    whole: list[Session] = []
    for session in sessions.intervals:
        opens = session.opens.replace(second=0, microsecond=0)
        closes = session.closes.replace(second=0, microsecond=0)
        if closes < session.closes:
            closes += _MINUTE
        if whole and opens <= whole[-1].closes and (opens, closes) != (session.opens, session.closes):
            opens = whole.pop().opens
        whole.append(Session(opens, closes))
    return Sessions.of(whole)


def _by_trade_date(sessions: Sessions, days: list[date]) -> str:
    before = [days[0] - _DAY, *days]
    intervals = _daily(before) if sessions.intervals is None else sessions.intervals
    ranges: dict[date, list[str]] = {day: [] for day in days}
    for session in intervals:
        for opens, closes in _pieces(session.opens.astimezone(CHICAGO), session.closes.astimezone(CHICAGO)):
            if closes.date() in ranges:
                ranges[closes.date()].append(f"{opens:%H%M}-{closes:%H%M}")
    return ";".join(f"{day:%Y%m%d}:{','.join(found) or 'CLOSED'}" for day, found in ranges.items())


def _pieces(opens: datetime, closes: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut what the ranges of a trade date cannot say: more than a day, or two midnights."""
    if (
        closes.date() - opens.date() <= _DAY
        and closes.replace(tzinfo=None) - opens.replace(tzinfo=None) <= _DAY
    ):
        yield opens, closes
        return
    while opens < closes:
        end = min(_midnight(opens.date() + _DAY), closes)
        yield opens, end
        opens = end


def _range(opens: datetime, closes: datetime) -> str:
    return f"{opens:%Y%m%d:%H%M}-{closes:%Y%m%d:%H%M}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHICAGO)


def _daily(days: list[date]) -> tuple[Session, ...]:
    return tuple(Session(_midnight(day), _midnight(day + timedelta(days=1))) for day in days)
