"""Prices between recorded ones: CME's hold until it closes and from its open, and are none while it is closed."""

from datetime import UTC, datetime, timedelta

from adapters.simulator.exchange.sessions import Session, Sessions
from adapters.simulator.market.formats import Moment, Pair
from adapters.simulator.market.interpolated import Hours

FRIDAY = datetime(2019, 6, 21, tzinfo=UTC)
JULY = (2019, 7)
HOUR = timedelta(hours=1)
# Open until Friday 21:00 and from Sunday 22:00 on.
WEEK = Sessions.of(
    [Session(FRIDAY - 48 * HOUR, FRIDAY + 21 * HOUR), Session(FRIDAY + 70 * HOUR, FRIDAY + 190 * HOUR)]
)


def moment(hours: int, price: int, cme: int | None) -> Moment:
    return Moment(
        FRIDAY + hours * HOUR, Pair(price, price), months={} if cme is None else {JULY: cme}, held=JULY
    )


def test_cme_holds_its_basis_to_the_close_and_from_the_open_and_has_no_price_in_between() -> None:
    # Nobody traded it after 15:00 on Friday, nor before midnight on Sunday: 6 + 2 hours of trading lie between.
    path = Hours([moment(15, 9_000, 9_100), moment(21, 9_000, None), moment(72, 9_000, 9_100)], WEEK)
    quoted = {
        hours: path.at(FRIDAY + hours * HOUR).months.get(JULY) for hours in (15, 18, 20, 21, 48, 69, 70, 72)
    }
    assert quoted == {15: 9_100, 18: 9_100, 20: 9_100, 21: None, 48: None, 69: None, 70: 9_100, 72: 9_100}
    assert path.at(FRIDAY + 48 * HOUR).perpetual == 9_000


def test_a_hole_of_more_than_twelve_hours_of_trading_is_one() -> None:
    path = Hours([moment(12, 9_000, 9_100), moment(74, 9_000, 9_100)], WEEK)  # 9 + 4 hours
    assert path.at(FRIDAY + 13 * HOUR).months == {}
    assert path.at(FRIDAY + 73 * HOUR).months == {}
    assert Hours([moment(12, 9_000, 9_100), moment(73, 9_000, 9_100)], WEEK).at(FRIDAY + 13 * HOUR).months
