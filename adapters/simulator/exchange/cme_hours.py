"""When CME's crypto futures trade, as Sessions over a span of days. Times are Chicago's.

Since Friday 29 May 2026 nearly round the clock, holidays too: paused Monday to Friday 16:00–16:02 and Saturday
02:00–04:00. Before that Sunday 17:00 to Friday 16:00 with a break of an hour from 16:00 each day; a holiday's
trading, from 17:00 the day before, did not take place, and on the eve of some CME closed at 12:15.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from adapters.simulator.exchange.holidays import closes_early, is_cme_closed
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Session, Sessions

CHICAGO = ZoneInfo("America/Chicago")
FRIDAY, SATURDAY = 4, 5

Pause = tuple[datetime, datetime]


class Hours(StrEnum):
    """ALWAYS never closes: a demonstration runs on any day."""

    ALWAYS = "always"
    ROUND_THE_CLOCK = "round-the-clock"
    WEEKDAYS = "weekdays"


def sessions(hours: Hours, first: date, days: int) -> Sessions:
    """Return the sessions from ``first`` (Chicago's midnight) on for ``days``."""
    if hours is Hours.ALWAYS:
        return ALWAYS_OPEN
    pauses_of = _pauses_round_the_clock if hours is Hours.ROUND_THE_CLOCK else _pauses_of_weekdays
    pauses = [pause for day in range(days) for pause in pauses_of(first + timedelta(days=day))]
    edges = [
        (_at(first, time(0)), _at(first, time(0))),
        *pauses,
        (_at(first + timedelta(days=days), time(0)), _at(first + timedelta(days=days), time(0))),
    ]
    return Sessions.of(Session(ended, began) for (_, ended), (began, _) in pairwise(edges) if ended < began)


def _pauses_round_the_clock(day: date) -> list[Pause]:
    if day.weekday() <= FRIDAY:
        return [(_at(day, time(16)), _at(day, time(16, 2)))]
    if day.weekday() == SATURDAY:
        return [(_at(day, time(2)), _at(day, time(4)))]
    return []


def _pauses_of_weekdays(day: date) -> list[Pause]:
    """Return when a day is closed: until 17:00 if it has no trade date, from its close on if the next one has none."""
    evening, tomorrow = _at(day, time(17)), day + timedelta(days=1)
    reopens = evening if _is_traded(tomorrow) else _at(tomorrow, time(0))
    closes = time(12, 15) if closes_early(day) else time(16)
    return [(_at(day, closes if _is_traded(day) else time(0)), reopens)]


def _is_traded(day: date) -> bool:
    return day.weekday() <= FRIDAY and not is_cme_closed(day)


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, CHICAGO).astimezone(UTC)
