"""The capital planner: what it allocates survives what it was asked to survive, and no more would."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.capital import Allocation, Capital, Stress, allocate, spread_per_xbt
from risk.direction import Direction
from tests.unit.risk.contracts import D

STEP = D("0.1")
MAINTENANCE = D("0.005")


def stress(excursion: Decimal, gap: Decimal) -> Stress:
    return Stress(-excursion, excursion, -gap, gap, MAINTENANCE, D(1))


def inverse_equity(direction: Direction, found: Allocation, price: Decimal, at: Decimal) -> Decimal:
    """Wallet and open result in XBT at ``at``, less maintenance on cost: by hand, from contracts of 1 USD."""
    contracts = found.size * price
    if direction is Direction.SHORT_INVERSE:
        contracts = -(found.size + found.hedge) * price
    return found.xbt + contracts / price - contracts / at - MAINTENANCE * abs(contracts) / price


def broker_equity(direction: Direction, found: Allocation, price: Decimal, at: Decimal) -> Decimal:
    """USD at the broker at ``at``, less its margin on the whole position then (rate 100 %)."""
    size = found.size
    if direction is Direction.LONG_INVERSE:
        size = -(found.size + found.hedge)
    return found.usd + size * (at - price) - abs(size) * at


cases = st.tuples(
    st.sampled_from(list(Direction)),
    st.integers(1, 400),
    st.integers(10_000, 50_000_000),
    st.integers(5_000, 150_000),
    st.integers(-2_000, 4_000),
    st.integers(5, 60),
    st.integers(5, 40),
    st.booleans(),
)


@given(case=cases)
def test_what_is_allocated_survives_and_a_step_more_would_not(
    case: tuple[Direction, int, int, int, int, int, int, bool],
) -> None:
    direction, xbt, usd, inverse, basis, excursion, gap, convert = case
    price, other = D(inverse), D(inverse + basis)
    move, jump = D(excursion) / 100, D(gap) / 100
    capital = Capital(D(xbt), D(usd), price, convert)
    found = allocate(
        direction,
        capital,
        stress(move, jump),
        initial_margin=D("0.01"),
        inverse_price=price,
        linear_price=other,
        step=STEP,
    )
    assert found.size % STEP == 0
    assert min(found.idle_xbt, found.idle_usd) >= D("-1e-6")
    spent = found.xbt * price + found.usd + found.idle_xbt * price + found.idle_usd
    assert abs(spent - capital.total) < D("1e-6") * capital.total
    if not convert:
        assert found.xbt <= capital.xbt
        assert found.usd <= capital.usd
    worst_inverse = price * (1 - move if direction is Direction.LONG_INVERSE else 1 + move)
    worst_linear = other * (1 + jump if direction is Direction.LONG_INVERSE else 1 - jump)
    assert inverse_equity(direction, found, price, worst_inverse) >= D("-1e-9")
    assert broker_equity(direction, found, other, worst_linear) >= D("-1e-6")
    # One more linear contract, on the same terms, is more than there is.
    if found.size:
        more = (found.size + STEP) / found.size
        needs_xbt, needs_usd = found.xbt * more, found.usd * more
        if convert:
            assert needs_xbt * price + needs_usd > capital.total
        else:
            assert needs_xbt > capital.xbt or needs_usd > capital.usd


def test_golden_gap_and_the_initial_margin_that_caps_it() -> None:
    # A wallet of 5 XBT carries 156,863 USD through −20 % at 8,000: 3.9216 XBT of spread for each XBT.
    carried = spread_per_xbt(Direction.LONG_INVERSE, stress(D("0.2"), D("0.2")), D("0.01"), D(8000))
    assert round(carried * 5 * 8000) == 156_863
    capped = spread_per_xbt(Direction.LONG_INVERSE, stress(D("0.01"), D("0.2")), D("0.2"), D(8000))
    assert capped == 5
    # Its hedge is an inverse position too: 6.25 XBT for 25 at 20 %.
    assert spread_per_xbt(Direction.SHORT_INVERSE, stress(D("0.01"), D("0.2")), D("0.2"), D(8000)) == 4


def test_the_return_counts_the_hedge_of_the_collateral() -> None:
    found = Allocation(D(25), D(5), D(5), D(100), D(0), D(0))
    assert found.earns(D(2000)) == 60_000
    assert found.earns(D(2000), cost=D(100)) == 57_000


@pytest.mark.parametrize("fields", [("0.2", "0.3"), ("-1", "0.3"), ("-0.2", "-0.3")])
def test_a_fall_is_negative_and_a_rise_positive(fields: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Stress(D(fields[0]), D(fields[1]), D("-0.1"), D("0.1"), MAINTENANCE, D(1))
    with pytest.raises(ValueError, match="negative"):
        Capital(D(-1), D(0), D(8000), may_convert=True)
