"""A market whose day passes in minutes: what follows its calendar, and what goes on by the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.simulator.calendar import Calendar
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import NewOrder, Side, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Session, Sessions
from adapters.simulator.scenario import ScenarioError
from adapters.simulator.scenario_file import parse
from adapters.simulator.tws.hours import HoursStyle, hours_text
from adapters.simulator.world import World, build
from tests.unit.simulator.support import START, ManualClock

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
FAST = "[calendar]\nstarts = 2026-11-23T00:00:00Z\nspeed = 288\n"


def world(text: str) -> tuple[World, ManualClock]:
    clock = ManualClock(START)
    return build(parse(text), clock), clock


def test_times_go_there_and_back() -> None:
    calendar = Calendar(START, MONDAY, 288)
    noon = MONDAY + timedelta(hours=12)
    assert calendar.when(noon) == START + timedelta(seconds=150)
    assert calendar.at(START + timedelta(seconds=150)) == noon
    assert calendar.sessions(ALWAYS_OPEN) is ALWAYS_OPEN


def test_funding_falls_at_the_market_s_own_hours() -> None:
    """04:00, 12:00 and 20:00 of a day that takes five minutes: after 50, 150 and 250 seconds."""
    schedule = Calendar(START, MONDAY, 288).funding(FundingSchedule(100))
    due, times = START, []
    for _ in range(4):
        due = schedule.next_after(due)
        times.append((due - START).total_seconds())
    assert times == [50, 150, 250, 350]
    assert schedule.rate == 100


def test_without_a_calendar_funding_falls_when_it_did() -> None:
    plain = FundingSchedule(100)
    moved = Calendar(START, START).funding(plain)
    assert [moved.next_after(START), moved.next_after(MONDAY)] == [
        plain.next_after(START),
        plain.next_after(MONDAY),
    ]


def test_cme_pauses_when_its_day_says_so() -> None:
    """16:00 to 17:00 in Chicago is 22:00 to 23:00 UTC in winter: from second 275 to 287.5 of 300."""
    it, clock = world(FAST + '[linear]\nhours = "weekdays"\n')
    shut = []
    for half in range(600):
        clock.advance(START + timedelta(seconds=half / 2) - clock.now())
        if not it.linear.is_open():
            shut.append(half / 2)
    assert (shut[0], shut[-1]) == (275, 287)
    assert len(shut) == 25


def test_prices_gaps_and_outages_follow_the_calendar() -> None:
    it, clock = world(FAST + "[market]\nvolatility = 0\ngaps = [[43200, -0.1]]\noutages = [[21600, 2880]]\n")
    symbol = it.inverse.specs()[0].symbol

    def index_at(seconds: float) -> int | None:
        clock.advance(START + timedelta(seconds=seconds) - clock.now())
        it.step()
        return it.inverse.ticker(symbol).index

    def is_quoted() -> bool:
        return bool(it.inverse.book(symbol).bids)

    before = index_at(74)
    assert is_quoted()
    index_at(76)  # 06:04:48
    assert not is_quoted()
    index_at(86)
    assert is_quoted()
    assert index_at(149) == before == 8_000_000
    assert index_at(151) == 7_200_000


def test_an_order_s_life_is_counted_by_the_clock() -> None:
    it, clock = world(FAST)
    spec = it.linear.specs()[0]
    account = it.scenario.linear.account
    price = it.linear.book(spec.symbol).bids[0].price - 100 * spec.tick
    until = START + timedelta(seconds=30)
    order = it.linear.place(
        account, NewOrder(spec.symbol, Side.BUY, 1, price, Tif.GTD, "a", expires_at=until)
    )
    assert order.created_at == START
    clock.advance(timedelta(seconds=29))
    it.step()
    assert it.linear.orders(account, live_only=True)
    clock.advance(timedelta(seconds=1))
    it.step()
    assert not it.linear.orders(account, live_only=True)
    with pytest.raises(ExchangeRefusal):
        it.linear.cancel(account, order.order_id)


@pytest.mark.parametrize("style", HoursStyle)
def test_of_a_pause_the_whole_minutes_are_announced(style: HoursStyle) -> None:
    at = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # noon in Chicago
    edges = [
        (20, 340),
        (350, 370),
        (421, 540),
        (630, 720),
    ]  # pauses of 10, 51 and 90 seconds: the last holds a minute
    sessions = Sessions.of(
        Session(at + timedelta(seconds=opens), at + timedelta(seconds=closes)) for opens, closes in edges
    )
    text = hours_text(sessions, at, style).split(";")
    if style is HoursStyle.DATED:
        assert text[:2] == ["20261123:1200-20261123:1209", "20261123:1210-20261123:1212"]
    else:
        assert text[0] == "20261123:1200-1209,1210-1212"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("starts = 2026-11-23T00:00:00", "must be a time with its offset"),
        ("speed = 0", r"\[calendar\] speed: must be a whole number from 1"),
        ("day = 1", r"\[calendar\] has no day"),
    ],
)
def test_a_wrong_calendar_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        parse(f"[calendar]\n{text}")
