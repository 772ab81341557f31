"""How far to liquidation: golden prices, and the accounts revalued there."""

from decimal import Decimal

import pytest

from risk.distance import distance, inverse_liquidation, linear_liquidation
from risk.survival import Account

D = Decimal


def test_the_two_golden_spreads() -> None:
    # 200,000 long and 300,000 short on 5 XBT (DOMAIN.md, section 2): near 6,694.56 and 11,928.43.
    long = inverse_liquidation(Account(D(25), D(5), D(8000)), D("0.005"))
    short = inverse_liquidation(Account(D(-30), D(5), D(10000)), D("0.005"))
    assert long == pytest.approx(D("6694.56"), abs=D("0.01"))
    assert short == pytest.approx(D("11928.43"), abs=D("0.01"))
    assert distance(D(8000), long) == pytest.approx(D("0.1632"), abs=D("0.0001"))


def test_a_position_that_has_lost_already_counts_from_its_equity() -> None:
    # The long above at 7,000: it has lost 200,000/7,000 − 25 = 3.571 of its 5 XBT, and is liquidated where it was.
    at_7000 = Account(D(200_000) / 7000, D(5) + 25 - D(200_000) / 7000, D(7000))
    found = inverse_liquidation(at_7000, D("0.005"))
    # The maintenance is of the value at 7,000 here, not of what it cost at 8,000: 0.0179 XBT more.
    assert found == pytest.approx(D("6694.56"), rel=D("0.001"))


def test_no_price_liquidates_a_funded_short() -> None:
    assert inverse_liquidation(Account(D(-5), D(6), D(8000)), D("0.005")) is None
    assert inverse_liquidation(Account(D(0), D(6), D(8000)), D("0.005")) is None
    assert distance(D(8000), None) is None


@pytest.mark.parametrize(("size", "equity"), [(D(-30), D(400_000)), (D(30), D(200_000))])
def test_the_linear_account_has_just_its_margin_left_there(size: Decimal, equity: Decimal) -> None:
    at = linear_liquidation(Account(size, equity, D(10000)), D("0.4"))
    assert at is not None
    assert (at > 10000) is (size < 0)
    assert equity + size * (at - 10000) == pytest.approx(D("0.4") * 30 * at, rel=D("1e-12"))


def test_a_fully_paid_linear_long_is_never_liquidated() -> None:
    assert linear_liquidation(Account(D(10), D(150_000), D(10000)), D("0.4")) is None


def test_an_account_below_its_margin_is_there_already() -> None:
    assert linear_liquidation(Account(D(-10), D(30_000), D(10000)), D("0.4")) == 10000
    assert inverse_liquidation(Account(D(10), D("0.04"), D(10000)), D("0.005")) == 10000
