"""The arithmetic against the golden figures of the contracts' own documentation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.exchange import margin
from adapters.simulator.exchange.catalog import btc, mbt, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Liquidity
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.value import fee, half_even, profit, share, value
from tests.unit.simulator.support import USD, XBT, dollars

PERPETUAL = xbtusd()


@pytest.mark.parametrize(
    ("contracts", "price", "satoshi"),
    [
        (10_000, 20_000, 50_000_000),
        (10_000, 21_000, 47_619_000),
        (-10_000, 19_000, -52_631_600),
        (1_000, 8_500, 11_764_710),
        (200_000, 8_000, 25 * XBT),
        (100, 51_200, 195_312),  # 195,312.5: a tie goes to even
        (0, 8_000, 0),
    ],
)
def test_an_inverse_value_is_rounded_once_per_lot(contracts: int, price: float, satoshi: int) -> None:
    assert value(PERPETUAL, contracts, dollars(price)) == satoshi


@pytest.mark.parametrize(
    ("spec", "contracts", "price", "dollar_value"),
    [
        (mbt(2026, 12), 3, 80_725, 24_217.5),
        (btc(2026, 12), -5, 10_000, -250_000),
        (btc(2026, 12), 1, 8_005, 40_025),
    ],
)
def test_a_linear_value_is_contracts_times_multiplier_times_price(
    spec: ContractSpec, contracts: int, price: float, dollar_value: float
) -> None:
    assert value(spec, contracts, dollars(price)) == round(dollar_value * USD)


@pytest.mark.parametrize(
    ("contracts", "entry", "out", "satoshi"),
    [
        (10_000, 20_000, 21_000, 2_381_000),
        (-10_000, 20_000, 19_000, 2_631_600),
        (1_000, 8_000, 8_500, 735_290),
        (1_000, 8_000, 7_500, -833_330),
        (200_000, 8_000, 4_000, -25 * XBT),
        (200_000, 8_000, 16_000, 12.5 * XBT),
        (-250_000, 10_000, 4_000, 37.5 * XBT),
        (-250_000, 10_000, 8_000, 6.25 * XBT),
        (-250_000, 10_000, 16_000, -9.375 * XBT),
    ],
)
def test_inverse_profit(contracts: int, entry: float, out: float, satoshi: float) -> None:
    cost, worth = value(PERPETUAL, contracts, dollars(entry)), value(PERPETUAL, contracts, dollars(out))
    assert profit(PERPETUAL, cost, worth) == satoshi


def test_a_position_of_2018_when_values_were_rounded_per_contract() -> None:
    old = replace(PERPETUAL, lot=1, rounding_unit=1, tick=50, taker_fee=750)
    position = Position(old)
    position.trade(-500, value(old, -500, dollars(6_725)))
    assert position.cost == -7_435_000
    marked = value(old, -500, dollars(6_726.8))
    assert marked == -7_433_000
    assert profit(old, position.cost, marked) == -2_000
    assert margin.inverse_maintenance(old, position, 0) == 42_975 - 5_800


def test_the_linear_spread_leg() -> None:
    future = btc(2026, 12)
    cost = value(future, -5, dollars(10_000))
    assert profit(future, cost, value(future, -5, dollars(4_000))) == 150_000 * USD
    assert profit(future, cost, value(future, -5, dollars(16_000))) == -150_000 * USD


def test_fees() -> None:
    at_075 = replace(PERPETUAL, taker_fee=750, maker_fee=-250)
    assert fee(at_075, 10_000, 50_000_000, Liquidity.TAKER) == 37_500
    assert fee(at_075, 10_000, -50_000_000, Liquidity.MAKER) == -12_500
    assert fee(mbt(2026, 12), 3, 123, Liquidity.TAKER) == round(3 * 2.37 * USD)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_half_even_is_the_nearest(numerator: int, denominator: int) -> None:
    error = 2 * abs(half_even(numerator, denominator) * denominator - numerator)
    assert error <= denominator
    if error == denominator:
        assert half_even(numerator, denominator) % 2 == 0


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**6), st.integers(1, 10**6))
def test_shares_add_up_from_below(amount: int, part: int, rest: int) -> None:
    whole = part + rest
    assert share(amount, whole, whole) == amount
    assert abs(share(amount, part, whole) + share(amount, rest, whole)) in (abs(amount), abs(amount) - 1)
