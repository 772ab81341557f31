"""Trading hours in the broker's text, in the contract's time zone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.simulator.exchange.sessions import Session, Sessions

CHICAGO_NAME = "US/Central"
CHICAGO = ZoneInfo(CHICAGO_NAME)
DAYS_AHEAD = 7


def hours_text(sessions: Sessions, now: datetime) -> str:
    """Return the sessions of this week: ``20261122:1700-20261123:1600;20261128:CLOSED;…``.

    A session stands under the day it opens; a day no session touches is CLOSED. The text knows no seconds.
    """
    first = now.astimezone(CHICAGO).date()
    days = [first + timedelta(days=n) for n in range(DAYS_AHEAD)]
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


def _range(opens: datetime, closes: datetime) -> str:
    return f"{opens:%Y%m%d:%H%M}-{closes:%Y%m%d:%H%M}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHICAGO)


def _daily(days: list[date]) -> tuple[Session, ...]:
    return tuple(Session(_midnight(day), _midnight(day + timedelta(days=1))) for day in days)
