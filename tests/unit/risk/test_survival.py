"""What survives a closure: golden gap sizes, and both accounts revalued after the moves."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.capital import Stress
from risk.survival import Account, inverse_need, linear_need, survival

D = Decimal
STRESS = Stress(D("-0.2"), D("0.2"), D("-0.155"), D("0.155"), D("0.005"), D(1))


def test_the_golden_gap_size_needs_all_of_the_wallet() -> None:
    # 156,863 contracts at 8,000 are what 5 XBT carry through −20 % (DOMAIN.md, section 3).
    assert inverse_need(D("156863") / 8000, D(8000), STRESS) == pytest.approx(D(5), rel=D("1e-5"))


def test_a_linear_short_needs_131_percent_of_its_value() -> None:
    # +15.5 % at 100 %: 0.155 + 1.155.
    assert linear_need(D(-25), D(10000), STRESS) == D("1.31") * 250000


def test_the_tighter_account_says_how_much_comes_off() -> None:
    inverse = Account(D(25), D(5), D(8000))  # carries 19.607875
    linear = Account(D(-30), D(10_000_000), D(10000))
    found = survival(inverse, linear, STRESS, D(0))
    assert found.spread == 25
    assert found.largest == pytest.approx(D("19.607875"), rel=D("1e-5"))
    assert found.more_usd == 0
    assert found.more_xbt == pytest.approx(D("1.375"), rel=D("1e-5"))


def test_the_linear_leg_counts_with_its_collateral_hedge() -> None:
    inverse = Account(D(25), D(100), D(8000))
    linear = Account(D(-30), D(262_000), D(10000))  # carries 20 XBT short
    found = survival(inverse, linear, STRESS, D(0))
    assert (found.too_much, found.largest, found.beyond) == (D(10), D(15), D(0))


def test_a_hedge_too_large_for_its_account_is_said() -> None:
    found = survival(Account(D(2), D(100), D(8000)), Account(D(-30), D(262_000), D(10000)), STRESS, D(0))
    assert (found.largest, found.beyond) == (D(0), D(8))


def test_the_buffer_takes_its_part() -> None:
    linear = Account(D(-20), D(262_000), D(10000))
    assert survival(Account(D(20), D(100), D(8000)), linear, STRESS, D(0)).too_much == 0
    assert survival(Account(D(20), D(100), D(8000)), linear, STRESS, D("0.25")).largest == 16


def test_an_account_under_water_carries_nothing() -> None:
    found = survival(Account(D(20), D("-1"), D(8000)), Account(D(-20), D(9_000_000), D(8000)), STRESS, D(0))
    assert found.largest == 0


def test_legs_on_the_same_side_are_no_spread() -> None:
    found = survival(Account(D(20), D(100), D(8000)), Account(D(20), D(9_000_000), D(8000)), STRESS, D(0))
    assert (found.spread, found.largest) == (D(0), D(0))


@given(
    size=st.decimals(1, 500, places=1),
    long_inverse=st.booleans(),
    wallet=st.decimals("0.1", 100, places=2),
    cash=st.decimals(1000, 10_000_000, places=0),
    price=st.decimals(3000, 120_000, places=0),
)
def test_what_is_left_survives_by_full_revaluation(
    size: Decimal, long_inverse: bool, wallet: Decimal, cash: Decimal, price: Decimal
) -> None:
    sign = 1 if long_inverse else -1
    found = survival(Account(sign * size, wallet, price), Account(-sign * size, cash, price), STRESS, D(0))
    left = found.largest
    after_inverse = price * (1 + (STRESS.inverse_fall if long_inverse else STRESS.inverse_rise))
    after_linear = price * (1 + (STRESS.linear_rise if long_inverse else STRESS.linear_fall))
    contracts = sign * left * price
    inverse_equity = wallet + contracts / price - contracts / after_inverse
    assert inverse_equity - STRESS.maintenance * left >= D("-1e-9")
    linear_equity = cash - sign * left * (after_linear - price)
    assert linear_equity - STRESS.broker_rate * left * after_linear >= D("-0.0001")
    if 0 < left < size:  # and not a satoshi less than could be: one of the two has nothing to spare
        spare = min(inverse_equity - STRESS.maintenance * left, (linear_equity / after_linear - left))
        assert spare < D("1e-6")
