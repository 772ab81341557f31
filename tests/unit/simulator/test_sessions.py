"""Trading hours: what a closed venue refuses, holds, and does when it opens."""

from datetime import date, datetime, timedelta

import pytest

from adapters.simulator.exchange.cme_hours import Hours, sessions
from adapters.simulator.exchange.events import SessionChanged
from adapters.simulator.exchange.orders import Side, Status, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Session, Sessions
from tests.unit.simulator.support import START, levels, linear_bench

HOUR = timedelta(hours=1)
OPENS_LATER = Sessions.of(
    [Session(START + HOUR, START + 2 * HOUR), Session(START + 3 * HOUR, START + 4 * HOUR)]
)


def test_intervals_include_their_start_and_not_their_end() -> None:
    moments = (timedelta(0), HOUR, 2 * HOUR - timedelta(microseconds=1), 2 * HOUR, 3 * HOUR, 9 * HOUR)
    assert [OPENS_LATER.is_open(START + moment) for moment in moments] == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]
    assert ALWAYS_OPEN.is_open(START)


def test_the_hours_of_a_span_are_clipped_to_it() -> None:
    start, end = START + HOUR / 2, START + 3.5 * HOUR
    assert OPENS_LATER.between(start, end) == (
        Session(START + HOUR, START + 2 * HOUR),
        Session(START + 3 * HOUR, end),
    )
    assert ALWAYS_OPEN.between(start, end) == (Session(start, end),)


def test_sessions_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        Sessions.of([Session(START, START + 2 * HOUR), Session(START + HOUR, START + 3 * HOUR)])
    with pytest.raises(ValueError, match="open before"):
        Session(START, START)
    with pytest.raises(ValueError, match="aware"):
        Session(START.replace(tzinfo=None), START + HOUR)


def test_a_closed_venue_holds_what_may_wait_and_refuses_what_may_not() -> None:
    bench = linear_bench(sessions=OPENS_LATER)
    bench.market(levels((79_995, 5)), levels((80_000, 5)))
    assert bench.exchange.book("MBTZ6").asks == ()
    for tif in (Tif.IOC, Tif.FOK):
        with pytest.raises(ExchangeRefusal) as refused:
            bench.place(Side.BUY, 3, 80_100, tif)
        assert refused.value.code is RefusalCode.SESSION_CLOSED
    held = bench.place(Side.BUY, 3, 80_100, Tif.GTC)
    assert held.held
    bench.clock.advance(HOUR)
    bench.market(levels((79_995, 5)), levels((80_000, 5)))
    bench.exchange.step()
    filled = bench.exchange.order("me", held.order_id)
    assert filled is not None
    assert (filled.status, filled.last_price) == (Status.FILLED, 8_000_000)
    assert [event for event in bench.events if isinstance(event, SessionChanged)] == [SessionChanged(True)]


def test_nothing_trades_after_the_close() -> None:
    bench = linear_bench(sessions=OPENS_LATER)
    bench.clock.advance(HOUR)
    bench.market(levels((79_995, 5)), levels((80_000, 5)))
    bench.exchange.step()
    resting = bench.place(Side.BUY, 3, 79_990, Tif.GTC)
    bench.clock.advance(HOUR)
    bench.exchange.step()
    bench.market(levels((70_000, 5)), levels((70_005, 5)))
    assert bench.exchange.orders("me", live_only=True) == [resting]
    assert not bench.exchange.is_open()
    assert bench.exchange.cancel("me", resting.order_id).status is Status.CANCELED


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        (Hours.ROUND_THE_CLOCK, "2026-11-25T21:59Z", True),  # Wednesday 15:59 in Chicago
        (Hours.ROUND_THE_CLOCK, "2026-11-25T22:00Z", False),
        (Hours.ROUND_THE_CLOCK, "2026-11-25T22:02Z", True),
        (Hours.ROUND_THE_CLOCK, "2026-11-28T08:00Z", False),  # Saturday 02:00
        (Hours.ROUND_THE_CLOCK, "2026-11-28T10:00Z", True),
        (Hours.ROUND_THE_CLOCK, "2026-11-29T12:00Z", True),
        (Hours.WEEKDAYS, "2026-11-20T21:59Z", True),
        (Hours.WEEKDAYS, "2026-11-20T22:00Z", False),
        (Hours.WEEKDAYS, "2026-11-21T12:00Z", False),
        (Hours.WEEKDAYS, "2026-11-22T22:59Z", False),
        (Hours.WEEKDAYS, "2026-11-22T23:00Z", True),
        (Hours.WEEKDAYS, "2026-11-23T22:30Z", False),
        (Hours.WEEKDAYS, "2026-11-23T23:00Z", True),
        # The day after Thanksgiving: closed at 12:15 in Chicago. The last hour with a price in it was that one in 2018
        # and 2019, as it was on 24 December and on 3 July.
        (Hours.WEEKDAYS, "2026-11-27T18:14Z", True),
        (Hours.WEEKDAYS, "2026-11-27T18:15Z", False),
        (Hours.WEEKDAYS, "2026-11-20T18:15Z", True),
        (Hours.WEEKDAYS, "2020-07-03T17:14Z", True),
        (Hours.WEEKDAYS, "2020-07-03T17:15Z", False),
        (Hours.WEEKDAYS, "2019-07-03T17:15Z", False),
        (Hours.WEEKDAYS, "2019-07-03T22:00Z", True),
        (Hours.ALWAYS, "2026-11-28T08:30Z", True),
        # Christmas 2026, a Friday: from Thursday 12:15 to Sunday 17:00 in Chicago.
        (Hours.WEEKDAYS, "2026-12-24T18:14Z", True),
        (Hours.WEEKDAYS, "2026-12-24T18:15Z", False),
        (Hours.WEEKDAYS, "2026-12-24T23:30Z", False),
        (Hours.WEEKDAYS, "2026-12-25T23:30Z", False),
        (Hours.WEEKDAYS, "2026-12-27T23:00Z", True),
        (Hours.ROUND_THE_CLOCK, "2026-12-25T12:00Z", True),
        # Good Friday 2027, in summer time.
        (Hours.WEEKDAYS, "2027-03-25T20:59Z", True),
        (Hours.WEEKDAYS, "2027-03-26T12:00Z", False),
        (Hours.WEEKDAYS, "2027-03-28T22:00Z", True),
        # Christmas 2029, a Tuesday: from Monday 12:15 to Tuesday 17:00.
        (Hours.WEEKDAYS, "2029-12-24T22:30Z", False),
        (Hours.WEEKDAYS, "2029-12-25T22:59Z", False),
        (Hours.WEEKDAYS, "2029-12-25T23:00Z", True),
    ],
)
def test_the_hours_of_cme(hours: Hours, at: str, is_open: bool) -> None:
    moment = datetime.fromisoformat(at)
    assert sessions(hours, moment.date() - timedelta(days=7), 14).is_open(moment) is is_open


def test_the_clocks_going_back_shifts_the_pause() -> None:
    listed = sessions(Hours.ROUND_THE_CLOCK, date(2026, 10, 30), 5).intervals  # 1 November: CDT to CST
    assert listed is not None
    assert [session.closes.hour for session in listed] == [21, 7, 22, 22, 6]
