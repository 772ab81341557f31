"""What an answer proves about a venue's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.clock_watch import ClockWatch, skew_of
from adapters.venue import ClockSeen
from risk.portfolio import Skew

T0 = datetime(2026, 11, 23, 9, 0, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("told", "asked", "answered", "least", "most"),
    [
        # Asked at 10.0, answered at 10.4 with "10": it said so between, at 10.0 to 11.0 of its own.
        (0, 0, 0.4, -0.4, 1),
        # "13" in the same moment: ahead by 2.6 to 4.
        (3, 0, 0.4, 2.6, 4),
        # "7": behind by 2 to 3.4.
        (-3, 0, 0.4, -3.4, -2),
    ],
)
def test_an_answer_proves_bounds(
    told: float, asked: float, answered: float, least: float, most: float
) -> None:
    assert skew_of(T0 + s(told), SECOND, T0 + s(asked), T0 + s(answered)) == Skew(s(least), s(most))


def test_how_far_apart_for_certain() -> None:
    assert Skew(s(2), s(3)).certain == s(2)
    assert Skew(s(-3), s(-2)).certain == s(2)
    assert Skew(s(-1), s(3)).certain == s(0)
    with pytest.raises(ValueError, match="cannot be ahead"):
        Skew(s(3), s(2))


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.at = T0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


def test_a_clock_is_told_first_when_it_changes_and_every_half_minute() -> None:
    clock, told = Hand(), list[ClockSeen]()
    watch = ClockWatch("cme", clock, told.append)

    def heard(ahead: float) -> int:
        watch.heard(clock.at + s(ahead), SECOND, clock.at)
        return len(told)

    assert heard(0) == 1
    clock.at += s(10)
    assert heard(0) == 1
    assert heard(5) == 2
    clock.at += s(29)
    assert heard(5) == 2
    clock.at += s(1)
    assert heard(5) == 3
    clock.at -= s(600)  # set back: what looks fresh may be old
    assert heard(5) == 4
