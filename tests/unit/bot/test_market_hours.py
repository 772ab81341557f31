"""A market that is closed, about to close, or of unknown hours starts nothing new; what has filled is answered."""

from datetime import timedelta

from adapters.venue import HoursAnnounced
from bot.model.events import Alerted
from risk.approval import Purpose
from risk.sessions import Span, TradingHours
from tests.unit.bot.desk import MBT, T0, XBTUSD, Desk

DAY = Span(T0 - timedelta(hours=12), T0 + timedelta(hours=12))


def closing_after(minutes: float, opens_after: float = 600) -> TradingHours:
    close, again = T0 + timedelta(minutes=minutes), T0 + timedelta(minutes=opens_after)
    return TradingHours.of([Span(DAY.start, close), Span(again, DAY.end)], DAY)


def announce(desk: Desk, hours: TradingHours) -> None:
    desk.give(HoursAnnounced(MBT.id, hours))


def approved_while_open(hours: TradingHours) -> Desk:
    """Armed with quotes too old to trade on; then ``hours`` are announced, and the quotes come."""
    desk = Desk.ready()
    desk.propose()
    desk.now += timedelta(seconds=6)
    desk.approve()
    announce(desk, hours)
    desk.quotes()
    return desk


def test_no_order_goes_to_a_market_that_closes_within_the_margin() -> None:
    # Six seconds have passed; sixty must be left.
    assert approved_while_open(closing_after(1.09)).of(Purpose.WORK) == []
    assert approved_while_open(closing_after(1.2)).of(Purpose.WORK) != []


def test_work_goes_on_after_the_open() -> None:
    desk = approved_while_open(closing_after(-60, opens_after=0.5))
    assert desk.of(Purpose.WORK) == []
    desk.wait(30)
    desk.quotes()
    assert desk.of(Purpose.WORK) != []


def test_hours_that_were_not_understood_start_nothing_and_are_said_aloud() -> None:
    desk = approved_while_open(TradingHours.unknown("'soon' in the broker's hours"))
    assert desk.of(Purpose.WORK) == []
    told = [alert.text for alert in desk.told(Alerted) if alert.code == "HOURS_UNKNOWN"]
    assert len(told) == 1
    assert "cme:MBT" in told[0]
    assert "'soon'" in told[0]


def test_beyond_what_is_announced_nothing_is_started() -> None:
    hours = TradingHours.of(
        [Span(DAY.start, T0 + timedelta(seconds=5))], Span(DAY.start, T0 + timedelta(seconds=5))
    )
    assert approved_while_open(hours).of(Purpose.WORK) == []


def test_no_ticket_is_raised_while_a_leg_cannot_be_traded() -> None:
    desk = Desk.ready()
    announce(desk, closing_after(-1))
    desk.propose()
    desk.quotes()
    assert not desk.tickets
    announce(desk, TradingHours.always())
    desk.quotes()
    assert len(desk.tickets) == 2


def test_what_filled_at_the_last_moment_is_hedged_after_the_close() -> None:
    desk = Desk.ready().armed()
    announce(desk, closing_after(-1))
    desk.trade("80700")
    assert [request.instrument for request in desk.of(Purpose.HEDGE)] == [XBTUSD.id]


def test_a_closed_market_is_sent_no_unwind() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700", 1)
    announce(desk, closing_after(-1, opens_after=5))
    for _ in range(20):
        if not desk.order(desk.last.client_order_id).is_settled:
            desk.refuse()
        desk.wait(1)
        desk.quotes()
    assert desk.of(Purpose.CONTINGENCY) == []
    desk.now = T0 + timedelta(minutes=6)
    desk.quotes()
    desk.wait(1)
    assert [request.instrument for request in desk.of(Purpose.CONTINGENCY)] == [MBT.id]
