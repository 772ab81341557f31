"""Alerts that last are told again after pauses that double; what gets worse is told at once."""

from datetime import timedelta
from decimal import Decimal

from bot.automation.reminding import remind
from bot.model.events import Alerted
from bot.orders.turn import Turn
from tests.unit.bot.desk import Desk

D = Decimal
_MINUTE, _ONE = timedelta(minutes=1), D(1)


class Reminded:
    """``told``: at which minutes from the start."""

    def __init__(self) -> None:
        self.at = Desk()
        self.start = self.at.now
        self.told: list[int] = []

    def minutes(self, count: int, *, level: int = 0, amount: Decimal = _ONE, about: str = "") -> None:
        """It is so for so many minutes, looked at every one of them."""
        for _ in range(count):
            turn = Turn(self.at.state, self.at.market, self.at.policy, self.at.now)
            told = remind(turn, "TRANSFER_WANTED", "bring 1 XBT", about, level=level, amount=amount)
            assert told is bool(turn.events)
            assert turn.events in ([], [Alerted("TRANSFER_WANTED", "bring 1 XBT")])
            if told:
                self.told.append((self.at.now - self.start) // _MINUTE)
            self.at.now += _MINUTE


def test_the_pauses_double_up_to_a_day() -> None:
    it = Reminded()
    it.minutes(6 * 24 * 60)
    # After 15 minutes, 30, 60, ... 960; twice that would be more than the 1,440 of a day.
    assert it.told == [0, 15, 45, 105, 225, 465, 945, 1905, 3345, 4785, 6225, 7665]


def test_a_higher_level_and_a_quarter_more_are_told_at_once() -> None:
    it = Reminded()
    it.minutes(50)
    it.minutes(5, level=1)
    it.minutes(5, level=1, amount=D("1.25"))
    it.minutes(5, level=1, amount=D("1.26"))
    assert it.told == [0, 15, 45, 50, 60]
    it.minutes(20, level=1, amount=D("1.26"))
    assert it.told[5:] == [75]  # its pause began anew


def test_less_is_not_told_and_more_than_was_told_is() -> None:
    it = Reminded()
    it.minutes(5, amount=D(4))
    it.minutes(2, amount=D(1))
    it.minutes(2, amount=D(4))  # it has been told
    assert it.told == [0]
    it.minutes(2, amount=D(-6))
    assert it.told == [0, 9]


def test_what_comes_and_goes_is_no_news_until_it_has_been_gone_for_the_first_pause() -> None:
    it = Reminded()
    it.minutes(10)
    it.at.now += 4 * _MINUTE
    it.minutes(1)
    it.at.now += 13 * _MINUTE
    it.minutes(1)
    assert it.told == [0, 28]  # its pause is over; the next is one of 30 minutes
    it.at.now += 13 * _MINUTE
    it.minutes(1)
    assert it.told == [0, 28]
    it.at.now += 14 * _MINUTE  # last seen after 42 minutes
    it.minutes(1 + 15)
    assert it.told == [0, 28, 57, 72]


def test_each_subject_has_its_own() -> None:
    it = Reminded()
    it.minutes(1, about="bitmex")
    it.minutes(1, about="cme")
    it.minutes(1, about="bitmex")
    assert it.told == [0, 1]
