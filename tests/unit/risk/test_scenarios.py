"""The scenario table: DOMAIN.md's golden figures, and what must hold of any spread."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.direction import Direction
from risk.money import Currency, Money
from risk.scenarios import Spread, outcome
from tests.unit.risk.contracts import D, inverse, linear

LONG = Spread(Direction.LONG_INVERSE, inverse(), linear(), D(25), D(8000), D(10_000), D(8000), D("0.2"))
SHORT = Spread(Direction.SHORT_INVERSE, inverse(), linear(), D(25), D(10_000), D(8000), D(8000), D("0.2"))

TABLE = [
    # price, inverse XBT, inverse USD, linear USD, together, with the collateral's hedge
    (LONG, 4000, "-25", -100_000, 150_000),
    (LONG, 8000, "0", 0, 50_000),
    (LONG, 16000, "12.5", 200_000, -150_000),
    (SHORT, 4000, "37.5", 150_000, -100_000),
    (SHORT, 8000, "6.25", 50_000, 0),
    (SHORT, 16000, "-9.375", -150_000, 200_000),
]


def usd(amount: int) -> Money:
    return Money.of(Currency.USD, D(amount))


@pytest.mark.parametrize(("spread", "price", "xbt", "inverse_usd", "linear_usd"), TABLE)
def test_the_golden_table(spread: Spread, price: int, xbt: str, inverse_usd: int, linear_usd: int) -> None:
    found = outcome(spread, D(price))
    assert found.inverse == Money.of(Currency.XBT, D(xbt))
    assert found.inverse_in_usd == usd(inverse_usd)
    assert found.linear == usd(linear_usd)
    assert found.total == usd(50_000)
    assert found.hedged_total == usd(60_000)


def test_sizes_margins_and_where_it_ends_without_top_ups() -> None:
    assert (LONG.inverse_contracts, LONG.linear_contracts, LONG.hedge_contracts) == (200_000, -5, -1)
    assert (SHORT.inverse_contracts, SHORT.linear_contracts, SHORT.hedge_contracts) == (-250_000, 5, -50_000)
    assert (LONG.linear_margin(D("0.2")), SHORT.linear_margin(D("0.2"))) == (usd(60_000), usd(40_000))
    assert (LONG.collateral, LONG.collateral_in_full) == (D(5), D(5))
    assert (SHORT.collateral, SHORT.collateral_in_full) == (D(5), D("6.25"))
    found = [spread.liquidation(D("0.005")) for spread in (LONG, SHORT)]
    assert [round(price or D(0), 2) for price in found] == [D("6694.56"), D("11928.43")]


def test_who_wants_what_as_the_price_goes() -> None:
    wants = {
        (spread.direction.value, price): [
            (action.currency.value, action.hedge and action.hedge.value)
            for action in outcome(spread, D(price)).actions
        ]
        for spread in (LONG, SHORT)
        for price in (4000, 16_000)
    }
    assert wants == {
        ("long-inverse", 4000): [("XBT", "linear")],
        ("long-inverse", 16_000): [("USD", None)],
        ("short-inverse", 4000): [("USD", None)],
        ("short-inverse", 16_000): [("XBT", "inverse")],
    }


@pytest.mark.parametrize("size", ["12", "0", "-5"])
def test_a_size_that_is_no_whole_number_of_contracts_is_refused(size: str) -> None:
    with pytest.raises(ValueError, match="no whole number of contracts of 5 XBT"):
        replace(LONG, xbt=D(size))


@given(
    spread=st.sampled_from([LONG, SHORT]),
    lots=st.integers(1, 40),
    prices=st.tuples(st.integers(1_000, 200_000), st.integers(1_000, 200_000)),
    at=st.integers(500, 400_000),
)
def test_a_spread_earns_its_basis_at_any_price(
    spread: Spread, lots: int, prices: tuple[int, int], at: int
) -> None:
    size = D(5 * lots)
    opened = replace(spread, xbt=size, inverse_price=D(prices[0]), linear_price=D(prices[1]))
    sign = 1 if spread.direction is Direction.LONG_INVERSE else -1
    expected = sign * size * (prices[1] - prices[0])
    total = outcome(opened, D(at)).total.amount
    # The inverse leg is short of its XBT by less than a lot, and its value rounded by half a satoshi a lot.
    lot = Decimal(100) / prices[0]
    slack = lot * abs(at - prices[0]) + (abs(opened.inverse_contracts) // 100 + 1) * D("1e-8") * at
    assert abs(total - expected) <= slack
