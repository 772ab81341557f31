"""The broker's words about trading hours. Times worked out by hand: Chicago is UTC−6 in winter, UTC−5 in summer."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.ibkr.hours import trading_hours
from risk.sessions import Session, Span

CHICAGO = "US/Central"


def utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def span(start: str, end: str) -> Span:
    return Span(utc(start), utc(end))


def test_the_dated_format() -> None:
    # The classic week: Sunday evening to Friday 16:00, a break of an hour a day.
    hours = trading_hours(
        "20260208:1700-20260209:1600;20260209:1700-20260210:1600;20260213:CLOSED;20260214:CLOSED", CHICAGO
    )
    assert hours.trouble == ""
    assert hours.open == (
        span("2026-02-08 23:00", "2026-02-09 22:00"),
        span("2026-02-09 23:00", "2026-02-10 22:00"),
    )
    assert hours.known == span("2026-02-08 06:00", "2026-02-15 06:00")
    assert hours.closures(timedelta(hours=2)) == (
        span("2026-02-08 06:00", "2026-02-08 23:00"),
        span("2026-02-10 22:00", "2026-02-15 06:00"),
    )


def test_pauses_round_the_clock_are_told_apart_by_length() -> None:
    # In force since May 2026: two minutes on weekdays, two hours on Saturday.
    hours = trading_hours(
        "20260626:0000-20260626:1600;20260626:1602-20260627:0200;20260627:0400-20260629:0000;20260628:0000-20260628:0000",
        CHICAGO,
    )
    assert "end after" in hours.trouble  # the last entry says nothing: not guessed at
    hours = trading_hours(
        "20260626:0000-20260626:1600;20260626:1602-20260627:0200;20260627:0400-20260628:0000", CHICAGO
    )
    assert [gap.length for gap in hours.closures()] == [timedelta(minutes=2), timedelta(hours=2)]
    assert hours.closures(timedelta(minutes=30)) == (span("2026-06-27 07:00", "2026-06-27 09:00"),)


def test_the_older_format() -> None:
    hours = trading_hours("20090507:0700-1830,1830-2330;20090508:CLOSED", "EST (Eastern Standard Time)")
    # New York in May is UTC−4.
    assert hours.open == (span("2009-05-07 11:00", "2009-05-08 03:30"),)
    hours = trading_hours("20160323:1700-1515,1530-1600;20160324:1700-1600", "CST (Central Standard Time)")
    assert hours.open == (
        span("2016-03-22 22:00", "2016-03-23 20:15"),
        span("2016-03-23 20:30", "2016-03-23 21:00"),
        span("2016-03-23 22:00", "2016-03-24 21:00"),
    )
    # That evening belongs to the next trade date, which is not listed.
    assert hours.session(utc("2016-03-24 23:00")) is Session.UNKNOWN


def test_days_that_touch_at_midnight_are_one_session() -> None:
    hours = trading_hours("20261122:0000-20261123:0000;20261123:0000-20261124:0000", CHICAGO)
    assert hours.open == (span("2026-11-22 06:00", "2026-11-24 06:00"),)
    assert hours.closures() == ()


def test_the_clock_is_put_forward_within_a_session() -> None:
    hours = trading_hours("20260307:1700-20260308:1600", CHICAGO)
    assert hours.open[0].length == timedelta(hours=22)


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("", CHICAGO, "nothing"),
        ("tomorrow", CHICAGO, "'tomorrow'"),
        ("20261122:CLOSED", "Mars/Base", "unknown time zone"),
        ("20261122:CLOSED", "", "unknown time zone"),
        ("20261122:CLOSED", "../etc/passwd", "unknown time zone"),
        ("20261322:CLOSED", CHICAGO, "month must be"),
        ("20261122:2500-20261122:2600", CHICAGO, "hour must be"),
        ("20261122:1600-20261122:0900", CHICAGO, "end after"),
        ("20261122:0900-20261122:1200;20261122:1100-20261122:1300", CHICAGO, "overlap"),
        ("20261122:CLOSED;20261122:0900-20261122:1200", CHICAGO, "both closed and open"),
        ("20261123:CLOSED;20261122:CLOSED", CHICAGO, "out of order"),
        ("20261122:0900", CHICAGO, "'0900'"),
    ],
)
def test_what_is_not_understood_is_unknown_and_says_why(text: str, zone: str, said: str) -> None:
    hours = trading_hours(text, zone)
    assert hours.known is None
    assert said in hours.trouble
    assert hours.session(utc("2026-11-22 10:00")) is Session.UNKNOWN
