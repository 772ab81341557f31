"""When a contract trades: what is announced, what is not, and closures told apart by their length."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.sessions import Session, Span, TradingHours

T0 = datetime(2026, 11, 23, tzinfo=UTC)


def h(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


HOURS = TradingHours.of([Span(h(4), h(8)), Span(h(2), h(4)), Span(h(10), h(20))], Span(h(0), h(24)))


def test_sessions_that_touch_are_one_and_the_rest_is_closed_or_unknown() -> None:
    assert HOURS.open == (Span(h(2), h(8)), Span(h(10), h(20)))
    at = {
        -1: "unknown",
        0: "closed",
        2: "open",
        7.99: "open",
        8: "closed",
        10: "open",
        20: "closed",
        24: "unknown",
    }
    assert {hour: HOURS.session(h(hour)).value for hour in at} == at
    assert (HOURS.closes(h(3)), HOURS.closes(h(9)), HOURS.opens(h(9)), HOURS.opens(h(21))) == (
        h(8),
        None,
        h(10),
        None,
    )


def test_closures_by_length() -> None:
    assert HOURS.closures() == (Span(h(0), h(2)), Span(h(8), h(10)), Span(h(20), h(24)))
    assert HOURS.closures(timedelta(hours=2)) == (Span(h(20), h(24)),)


def test_trading_needs_time_left() -> None:
    assert HOURS.trades_for(h(7), timedelta(hours=1))
    assert not HOURS.trades_for(h(7), timedelta(hours=1, seconds=1))
    assert not HOURS.trades_for(h(8), timedelta(0))
    assert TradingHours.always().trades_for(h(0), timedelta(days=365))


def test_what_was_not_understood_is_neither_open_nor_closed() -> None:
    hours = TradingHours.unknown("what?")
    assert hours.session(h(5)) is Session.UNKNOWN
    assert not hours.trades_for(h(5), timedelta(0))
    assert hours.closures() == ()


def test_contradictions_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        TradingHours.of([Span(h(1), h(3)), Span(h(2), h(4))], Span(h(0), h(24)))
    with pytest.raises(ValueError, match="outside"):
        TradingHours.of([Span(h(1), h(3))], Span(h(2), h(24)))
    with pytest.raises(ValueError, match="end after"):
        Span(h(1), h(1))
    with pytest.raises(ValueError, match="aware"):
        Span(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001 - what is refused


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=20, unique=True), st.integers(0, 1000))
def test_open_and_closed_share_the_announced_time(edges: list[int], minute: int) -> None:
    ordered = sorted(edges)[: len(edges) // 2 * 2]
    spans = [
        Span(T0 + timedelta(minutes=a), T0 + timedelta(minutes=b))
        for a, b in zip(ordered[::2], ordered[1::2], strict=True)
    ]
    known = Span(T0, T0 + timedelta(minutes=1001))
    hours = TradingHours.of(spans, known)
    at = T0 + timedelta(minutes=minute)
    in_a_session = any(at in span for span in spans)
    assert (hours.session(at) is Session.OPEN) == in_a_session
    assert any(at in gap for gap in hours.closures()) != in_a_session
    total = sum((span.length for span in (*hours.open, *hours.closures())), timedelta(0))
    assert total == known.length
