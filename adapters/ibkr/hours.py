"""Trading hours as the broker writes them, in either of its two formats.

Dated:   ``20240721:CLOSED;20240722:0400-20240722:2000;…``: under the day a session opens.
Older:   ``20090507:0700-1830,1830-2330;20090508:CLOSED``: under its trade date, the day it closes; a session that opens
no earlier than it closes has opened the day before.
"""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from risk.sessions import Span, TradingHours

_DAY = timedelta(days=1)
_ENTRY = re.compile(r"(\d{8}):(CLOSED|[-0-9:,]+)")
_RANGE = re.compile(r"(?:(\d{8}):)?(\d{4})-(?:(\d{8}):)?(\d{4})")
_ABBREVIATED = {"EST": "America/New_York", "CST": "America/Chicago", "GMT": "Europe/London", "UTC": "UTC"}
"""What older gateways write, ``CST (Central Standard Time)``: a place, summer time included."""


def trading_hours(text: str, zone_name: str) -> TradingHours:
    """Read the broker's words; what cannot be understood is hours unknown, with what is wrong."""
    try:
        return _read(text, _zone(zone_name))
    except ValueError as error:
        return TradingHours.unknown(f"{error} in the broker's hours {text[:60]!r} ({zone_name})")


def _zone(name: str) -> ZoneInfo:
    word = name.split(" ")[0]
    try:
        return ZoneInfo(_ABBREVIATED.get(word, word))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}") from None


def _read(text: str, zone: ZoneInfo) -> TradingHours:
    entries = [part.strip() for part in text.split(";") if part.strip()]
    if not entries:
        raise ValueError("nothing")
    days: list[date] = []
    sessions: list[Span] = []
    closed: set[date] = set()
    by_trade_date = False
    for entry in entries:
        matched = _ENTRY.fullmatch(entry)
        if matched is None:
            raise ValueError(f"{entry[:40]!r}")
        day = _day(matched[1])
        days.append(day)
        if matched[2] == "CLOSED":
            closed.add(day)
            continue
        # A dated entry repeats its day in front of the first range.
        for part in entry.removeprefix(f"{matched[1]}:").split(","):
            span, dated = _span(part, day, zone)
            by_trade_date = by_trade_date or not dated
            sessions.append(span)
    if days != sorted(days):
        raise ValueError("days out of order")
    opened = {span.start.astimezone(zone).date() for span in sessions}
    if not by_trade_date and closed & opened:
        raise ValueError(f"{min(closed & opened)} is both closed and open")
    return TradingHours.of(sessions, _known(days, sessions, zone, by_trade_date=by_trade_date))


def _span(text: str, day: date, zone: ZoneInfo) -> tuple[Span, bool]:
    matched = _RANGE.fullmatch(text)
    if matched is None:
        raise ValueError(f"{text[:40]!r}")
    first, opens, last, closes = matched.groups()
    start_day = day if first is None else _day(first)
    end_day = start_day if last is None else _day(last)
    if last is None and closes <= opens:
        start_day -= _DAY
    return Span(_at(start_day, opens, zone), _at(end_day, closes, zone)), last is not None


def _known(days: list[date], sessions: list[Span], zone: ZoneInfo, *, by_trade_date: bool) -> Span:
    # A trade date's evening belongs to the next one: of the last day listed only what closes on it is known.
    end = _at(days[-1], "0000", zone) if by_trade_date else _at(days[-1] + _DAY, "0000", zone)
    starts = [_at(days[0], "0000", zone), *(span.start for span in sessions)]
    return Span(min(starts), max([end, *(span.end for span in sessions)]))


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    hour, minute = int(clock[:2]), int(clock[2:])
    if (hour, minute) == (24, 0):
        day, hour = day + _DAY, 0
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
