"""Closures by what is announced and by the week's windows: pauses, the daily hour, Saturdays, weekends, wires."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from risk.closures import Rules, Weekly, ahead, is_open, long_closures
from risk.sessions import Span, TradingHours

NEW_YORK = ZoneInfo("America/New_York")
LOGIN = Weekly("login", 6, time(1), 6, time(9), NEW_YORK)
NO_WIRES = Weekly("no wires", 4, time(16), 0, time(9), NEW_YORK)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """November 2026: the 23rd is a Monday; Chicago is 6 hours behind UTC, New York 5."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def announced(*sessions: tuple[datetime, datetime]) -> TradingHours:
    return TradingHours.of([Span(*each) for each in sessions], Span(at(23, 0), at(30, 23)))


# Round the clock since May 2026: two minutes a day, two hours on Saturday.
NEARLY_ALWAYS = announced(
    (at(23, 0), at(23, 22)),
    (at(23, 22, 2), at(24, 22)),
    (at(24, 22, 2), at(25, 22)),
    (at(25, 22, 2), at(26, 22)),
    (at(26, 22, 2), at(27, 22)),
    (at(27, 22, 2), at(28, 8)),
    (at(28, 10), at(30, 22)),
)
# Before: an hour a day, closed from Friday 16:00 to Sunday 17:00 in Chicago.
WEEKDAYS = announced(
    (at(23, 0), at(23, 22)), (at(23, 23), at(24, 22)), (at(24, 23), at(27, 22)), (at(29, 23), at(30, 22))
)
RULES = Rules(timedelta(hours=12), timedelta(hours=24))
NOW = at(25, 12)


def test_only_the_weekend_is_long() -> None:
    assert long_closures(NEARLY_ALWAYS, RULES, NOW) == ()
    [closure] = long_closures(WEEKDAYS, RULES, NOW)
    assert (closure.span, closure.tradable) == (Span(at(27, 22), at(29, 23)), False)


def test_every_length_can_be_asked_for() -> None:
    def lengths(longer_than: timedelta) -> list[timedelta]:
        found = long_closures(NEARLY_ALWAYS, Rules(longer_than, timedelta(days=9)), NOW)
        return [closure.span.length for closure in found]

    assert lengths(timedelta(minutes=1)) == [timedelta(minutes=2)] * 5 + [
        timedelta(hours=2),
        timedelta(hours=1),
    ]
    assert lengths(timedelta(hours=1)) == [timedelta(hours=2)]


def test_the_brokers_login_makes_a_closure_of_its_own() -> None:
    rules = Rules(timedelta(hours=4), timedelta(days=9), outages=(LOGIN,))
    [closure] = long_closures(NEARLY_ALWAYS, rules, NOW)
    assert closure.span == Span(at(29, 6), at(29, 14))  # Sunday 01:00 to 09:00 in New York
    assert is_open(NEARLY_ALWAYS, RULES, at(29, 7))
    assert not is_open(NEARLY_ALWAYS, rules, at(29, 7))


def test_an_outage_that_touches_a_closure_makes_it_longer() -> None:
    rules = Rules(
        timedelta(hours=12), timedelta(days=9), outages=(Weekly("x", 6, time(17), 0, time(1), NEW_YORK),)
    )
    [closure] = long_closures(WEEKDAYS, rules, NOW)
    assert closure.span == Span(at(27, 22), at(30, 6))


def test_a_market_that_trades_all_weekend_still_cannot_be_funded() -> None:
    rules = Rules(timedelta(hours=12), timedelta(hours=24), no_wires=(NO_WIRES,))
    # The weekend before, too: it has begun before the announcement, and is whole all the same.
    first, second = long_closures(NEARLY_ALWAYS, rules, NOW)
    assert first.span == Span(at(20, 21), at(23, 14))
    assert (second.span, second.tradable) == (Span(at(27, 21), at(30, 14)), True)


def test_the_one_ahead_has_begun_or_is_the_next() -> None:
    found = long_closures(WEEKDAYS, RULES, NOW)
    assert ahead(found, at(24, 0)) == found[0]
    assert ahead(found, at(28, 0)) == found[0]
    assert ahead(found, at(29, 23)) is None


def test_unknown_hours_announce_no_closure() -> None:
    assert long_closures(TradingHours.unknown("garbled"), RULES, NOW) == ()
    assert not is_open(TradingHours.unknown("garbled"), RULES, at(24, 0))


def test_a_window_keeps_its_local_time_when_the_clocks_change() -> None:
    # New York leaves summer time on 1 November 2026.
    window = Weekly("login", 6, time(1), 6, time(9), NEW_YORK)
    spans = window.spans(Span(datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)))
    assert [(span.start.hour, span.length) for span in spans] == [
        (5, timedelta(hours=8)),
        (5, timedelta(hours=9)),  # 01:00 in summer time, 09:00 after it
        (6, timedelta(hours=8)),
    ]


@pytest.mark.parametrize("days", [(-1, 0), (0, 7)])
def test_days_that_are_none_are_refused(days: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="day of the week"):
        Weekly("x", days[0], time(1), days[1], time(2), NEW_YORK)


def test_hours_known_for_ever_have_closures_for_three_weeks_to_come() -> None:
    ever = TradingHours.always()
    assert ever.known is not None
    assert long_closures(ever, RULES, NOW) == ()
    assert is_open(ever, Rules(timedelta(hours=12), timedelta(hours=24), (LOGIN,)), NOW)
    windows = Rules(timedelta(hours=1), timedelta(hours=24), (LOGIN,), (NO_WIRES,))
    found = long_closures(ever, windows, NOW)
    assert [one.span.start for one in found if not one.tradable] == [
        datetime(2026, 11, 8, 6, tzinfo=UTC),
        datetime(2026, 11, 15, 6, tzinfo=UTC),
        at(22, 6),
        at(29, 6),
        datetime(2026, 12, 6, 6, tzinfo=UTC),
        datetime(2026, 12, 13, 6, tzinfo=UTC),
    ]
    weekend = TradingHours((Span(ever.known.start, at(27, 22)), Span(at(29, 23), ever.known.end)), ever.known)
    assert [one.span for one in long_closures(weekend, RULES, NOW)] == [Span(at(27, 22), at(29, 23))]
