"""A feed that has frozen under a live link: its book is confirmed again and again, and the other venue moves on."""

import pytest

from risk.portfolio import Quote
from tests.unit.bot.desk import MBT, POLICY, XBTUSD, Desk

LONG_ENOUGH = 6  # seconds; quotes are good for five


def linear(desk: Desk) -> Quote | None:
    return desk.market.fresh(MBT.id, desk.now, POLICY)


def confirm(desk: Desk) -> None:
    desk.quote(MBT, "80700", "80705")


def test_a_quiet_book_that_is_confirmed_stands() -> None:
    desk = Desk.ready()
    for _ in range(60):
        desk.wait(2)
        desk.quote(XBTUSD, "80000.9", "80001")
        confirm(desk)
        assert linear(desk) is not None


def test_a_quiet_book_that_nobody_confirms_grows_old() -> None:
    desk = Desk.ready()
    desk.wait(LONG_ENOUGH)
    assert linear(desk) is None


@pytest.mark.parametrize(
    ("price", "stands"), [("80159.8", True), ("80160.1", False), ("79840.1", True), ("79839.8", False)]
)
def test_a_book_that_stands_still_while_the_other_venue_moves_is_not_traded_on(
    price: str, stands: bool
) -> None:
    """0.2 % of the 79,999.95 that the other venue quoted when this book last changed is 159.9999."""
    desk = Desk.ready()
    desk.wait(LONG_ENOUGH)
    desk.quote(XBTUSD, price, str(float(price) + 0.1))
    confirm(desk)
    assert (linear(desk) is not None) is stands
    assert desk.market.fresh(XBTUSD.id, desk.now, POLICY) is not None


def test_a_new_price_ends_the_suspicion() -> None:
    desk = Desk.ready()
    desk.wait(LONG_ENOUGH)
    desk.quote(XBTUSD, "80400", "80400.1")
    confirm(desk)
    assert linear(desk) is None
    desk.quote(MBT, "81100", "81105")
    assert linear(desk) is not None


def test_small_steps_add_up() -> None:
    desk = Desk.ready()
    desk.wait(LONG_ENOUGH)
    for price in (80_060, 80_120, 80_150, 80_200):
        desk.wait(1)
        desk.quote(XBTUSD, str(price), str(price + 1))
        confirm(desk)
        assert (linear(desk) is not None) is (price < 80_160)


def test_who_moves_first_is_given_time_to_be_followed() -> None:
    desk = Desk.ready()
    desk.quote(MBT, "81100", "81105")
    desk.wait(1)
    desk.quote(XBTUSD, "80400", "80400.1")
    assert linear(desk) is not None


def test_a_book_told_before_the_other_venue_was_heard_is_held_against_its_first_quote() -> None:
    desk = Desk()
    for instrument in (XBTUSD, MBT):
        desk.load(instrument)
    desk.link("bitmex")
    desk.link("cme")
    confirm(desk)
    desk.quote(XBTUSD, "80000", "80000.1")
    desk.wait(LONG_ENOUGH)
    desk.quote(XBTUSD, "80200", "80200.1")
    confirm(desk)
    assert linear(desk) is None
