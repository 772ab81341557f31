from datetime import UTC, datetime

import pytest

from risk.direction import Direction
from risk.orders import Fill, Side
from risk.sizing import (
    collateral_hedge,
    collateral_needed,
    hedge_size,
    residual,
    signed_contracts,
    split_tranches,
)
from tests.unit.risk.contracts import D, inverse, linear

INVERSE, LINEAR, MICRO = inverse(), linear(), linear("0.1")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("contracts", "tranches", "expected"),
    [(5, 5, (1, 1, 1, 1, 1)), (5, 1, (5,)), (5, 2, (3, 2)), (7, 3, (3, 2, 2)), (8, 3, (3, 3, 2))],
)
def test_tranches_of_whole_contracts(contracts: int, tranches: int, expected: tuple[int, ...]) -> None:
    assert split_tranches(LINEAR, contracts, tranches) == expected


def test_tranches_of_lots() -> None:
    assert split_tranches(INVERSE, 1_000, 3) == (400, 300, 300)


@pytest.mark.parametrize(("contracts", "tranches"), [(5, 6), (5, 0), (5, -1), (0, 1), (-5, 1)])
def test_impossible_tranches(contracts: int, tranches: int) -> None:
    with pytest.raises(ValueError, match=r"tranches|whole lots"):
        split_tranches(LINEAR, contracts, tranches)


def test_a_broken_lot_is_not_split() -> None:
    with pytest.raises(ValueError, match="150 contracts are not whole lots of 100"):
        split_tranches(INVERSE, 150, 1)


def test_contracts_are_signed_and_rounded_towards_zero() -> None:
    assert signed_contracts(INVERSE, D("0.0249"), D(8_000)) == 100  # 199.2 USD
    assert signed_contracts(INVERSE, D("-0.0249"), D(8_000)) == -100
    assert signed_contracts(LINEAR, D("-14.999"), D(8_000)) == -10 // 5
    assert signed_contracts(MICRO, D("0.3"), D(8_000)) == 3


@pytest.mark.parametrize(
    ("naked", "side", "contracts", "carried"),
    [
        ("5", Side.SELL, 40_000, "0"),
        ("-5", Side.BUY, 40_000, "0"),
        ("5.01", Side.SELL, 40_000, "0.01"),  # 80 USD are less than a lot
        ("-0.012", Side.BUY, 0, "-0.012"),
        ("0", Side.BUY, 0, "0"),
    ],
)
def test_hedge_never_exceeds_what_is_naked(naked: str, side: Side, contracts: int, carried: str) -> None:
    size = hedge_size(INVERSE, D(naked), D(8_000))
    assert (size.side, size.contracts, size.carried) == (side, contracts, D(carried))


def test_one_linear_contract_is_hedged_fill_by_fill() -> None:
    """Two sold at 10,000 make −10 XBT; 80,000 bought at 8,000 are +10; filled at 8,008 they are 9.99."""
    sold = Fill("1", LINEAR.id, None, "a", Side.SELL, 2, D(10_000), NOW)
    bought = Fill("2", INVERSE.id, None, "b", Side.BUY, 80_000, D(8_000), NOW)
    worse = Fill("2", INVERSE.id, None, "b", Side.BUY, 80_000, D(8_008), NOW)
    assert residual([(LINEAR, sold)]) == -10
    assert residual([(LINEAR, sold), (INVERSE, bought)]) == 0
    left = residual([(LINEAR, sold), (INVERSE, worse)])
    assert round(left, 5) == D("-0.00999")
    assert residual([]) == 0


def test_collateral_that_leaves_takes_hedge_off() -> None:
    for direction, contracts in ((Direction.LONG_INVERSE, 2), (Direction.SHORT_INVERSE, 80_000)):
        size = collateral_hedge(direction, LINEAR, INVERSE, D(-10), D(8_000))
        assert (size.side, size.contracts, size.carried) == (Side.BUY, contracts, D(0))


def test_collateral_below_one_linear_contract_is_carried() -> None:
    size = collateral_hedge(Direction.LONG_INVERSE, LINEAR, INVERSE, D("4.9"), D(8_000))
    assert (size.contracts, size.carried) == (0, D("4.9"))
    micro = collateral_hedge(Direction.LONG_INVERSE, MICRO, INVERSE, D("4.93"), D(8_000))
    assert (micro.side, micro.contracts, micro.carried) == (Side.SELL, 49, D("0.03"))


@pytest.mark.parametrize("rate", ["0", "1", "-0.1", "2"])
def test_margin_rate_is_a_fraction(rate: str) -> None:
    with pytest.raises(ValueError, match="fraction between 0 and 1"):
        collateral_needed(Direction.LONG_INVERSE, D(25), D(rate))
