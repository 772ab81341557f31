"""Margin and liquidation: the figures of DOMAIN.md, sections 2, 3 and 5."""

from decimal import Decimal

import pytest

from risk.margin import (
    OpenQuantity,
    cross_liquidation,
    cross_maintenance,
    gap_size,
    initial_rate,
    isolated_bankruptcy,
    isolated_liquidation,
    isolated_margin,
    linear_gap_equity,
    open_orders_margin,
    order_margin,
    price_of_move,
    stepped_rates,
)
from risk.orders import Side
from tests.unit.risk.contracts import D, inverse, linear, with_fee, xbt

MAINTENANCE = D("0.005")


@pytest.mark.parametrize(
    ("contracts", "size", "down", "down_percent", "up", "up_percent"),
    [
        (50_000, "6.25", "4444.44", "-44.44", "40000.00", "400.00"),
        (250_000, "31.25", "6896.55", "-13.79", "9523.81", "19.05"),
        (500_000, "62.5", "7407.41", "-7.41", "8695.65", "8.70"),
        (1_000_000, "125", "7692.31", "-3.85", "8333.33", "4.17"),
        (2_500_000, "312.5", "7874.02", "-1.57", "8130.08", "1.63"),
        (5_000_000, "625", "7936.51", "-0.79", "8064.52", "0.81"),
    ],
)
def test_move_of_five_xbt(
    contracts: int, size: str, down: str, down_percent: str, up: str, up_percent: str
) -> None:
    assert inverse().xbt(contracts, D(8000)) == D(size)
    move = price_of_move(contracts, D(8000), D(5))
    assert move.up is not None
    assert move.up_percent is not None
    assert round(move.down, 2) == D(down)
    assert round(move.down_percent, 2) == D(down_percent)
    assert round(move.up, 2) == D(up)
    assert round(move.up_percent, 2) == D(up_percent)


def test_the_table_is_of_five_xbt_and_not_of_5000_usd() -> None:
    move = price_of_move(250_000, D(8000), D(5))
    assert inverse().xbt(250_000, move.down) - inverse().xbt(250_000, D(8000)) == pytest.approx(D(5))
    assert round(D(8000) - move.down) == 1103


def test_a_small_position_never_counts_five_xbt_less() -> None:
    assert price_of_move(40_000, D(8000), D(5)).up is None
    assert price_of_move(40_000, D(8000), D(5)).up_percent is None


@pytest.mark.parametrize(
    ("side", "liquidation", "bankruptcy"),
    [(Side.BUY, "18264.84", "18181.82"), (Side.SELL, "22099.45", "22222.22")],
)
def test_isolated_ten_times_at_20000(side: Side, liquidation: str, bankruptcy: str) -> None:
    price = isolated_liquidation(side, D(20_000), D(10), MAINTENANCE)
    gone = isolated_bankruptcy(side, D(20_000), D(10))
    assert price is not None
    assert gone is not None
    assert (round(price, 2), round(gone, 2)) == (D(liquidation), D(bankruptcy))


@pytest.mark.parametrize(("side", "move"), [(Side.BUY, "-0.498"), (Side.SELL, "0.503")])
def test_a_hundred_times_is_liquidated_before_one_per_cent(side: Side, move: str) -> None:
    price = isolated_liquidation(side, D(20_000), D(100), MAINTENANCE)
    assert price is not None
    assert round((price / 20_000 - 1) * 100, 3) == D(move)


def test_fully_funded_short_has_no_liquidation_price() -> None:
    assert isolated_liquidation(Side.SELL, D(20_000), D(1), MAINTENANCE) is None
    assert isolated_bankruptcy(Side.SELL, D(20_000), D(1)) is None
    margin = isolated_margin(inverse(), Side.SELL, 500, D(20_000), D(1))
    assert (margin.liquidation, margin.bankruptcy) == (None, None)


def test_a_real_position() -> None:
    """500 short at 6,725, L = 25, tick 0.5, fee 0.075 %, value rounded per contract."""
    instrument = inverse(tick="0.5", lot=1, unit=1, fee="0.00075")
    margin = isolated_margin(instrument, Side.SELL, 500, D(6725), D(25))
    assert margin.cost == 7_435_000
    assert margin.initial == 297_400
    assert margin.commission == 5_800
    assert margin.margin == 303_200
    assert margin.maintenance == 42_975
    assert margin.liquidation == D("6968.5")
    assert margin.bankruptcy == D("7004.5")
    mark = D("6726.8")
    assert instrument.value_units(500, mark) == 7_433_000
    assert instrument.value_units(500, mark) - margin.cost == -2_000


def test_isolated_prices_on_tick_are_nearer_than_the_exact_ones() -> None:
    for side in Side:
        margin = isolated_margin(inverse(tick="0.5"), side, 10_000, D(20_000), D(10))
        exact = isolated_liquidation(side, D(20_000), D(10), MAINTENANCE)
        assert margin.liquidation is not None
        assert exact is not None
        assert 0 <= side.sign * (margin.liquidation - exact) < 1


def test_isolated_margin_is_for_inverse_contracts_and_positive_leverage() -> None:
    with pytest.raises(ValueError, match="no inverse contract"):
        isolated_margin(linear(), Side.BUY, 1, D(8000), D(10))
    for leverage in (D(0), D(-1), D("NaN")):
        with pytest.raises(ValueError, match="leverage must be positive"):
            isolated_margin(inverse(), Side.BUY, 100, D(8000), leverage)


@pytest.mark.parametrize(("wallet", "size"), [("25", 200_000), ("26", -200_000)])
def test_cross_liquidation(wallet: str, size: int) -> None:
    """A long on 25 XBT has a price, however low; a short on more than it is worth has none."""
    price = cross_liquidation(D(wallet), size, D(8000), MAINTENANCE)
    if size > 0:
        assert price == D(200_000) / D("49.875")
    else:
        assert price is None


def test_cross_liquidation_of_nothing() -> None:
    assert cross_liquidation(D(5), 0, D(8000), MAINTENANCE) is None


def test_gap_size() -> None:
    size = gap_size(Side.BUY, D(5), D(8000), D(8000), D("-0.2"), MAINTENANCE)
    assert size is not None
    assert round(size) == 156_863


@pytest.mark.parametrize(("side", "gap"), [(Side.BUY, "-0.2"), (Side.SELL, "0.25")])
def test_gap_size_is_liquidated_exactly_at_the_gap(side: Side, gap: str) -> None:
    """The size that just survives a gap has its cross liquidation price at the gap's end."""
    size = gap_size(side, D(5), D(8100), D(8000), D(gap), MAINTENANCE)
    assert size is not None
    liquidation = cross_liquidation(D(5), side.sign * int(size), D(8000), MAINTENANCE)
    assert liquidation is not None
    assert abs(liquidation - D(8100) * (1 + D(gap))) < D("0.1")


def test_no_size_is_too_large_for_a_gap_in_its_favour() -> None:
    assert gap_size(Side.BUY, D(5), D(8000), D(8000), D("0.2"), MAINTENANCE) is None
    assert gap_size(Side.SELL, D(5), D(8000), D(8000), D("-0.2"), MAINTENANCE) is None


def test_linear_equity_for_a_gap() -> None:
    assert round(linear_gap_equity(Side.SELL, D("0.155"), D(1)), 2) == D("1.31")
    assert linear_gap_equity(Side.BUY, D("-0.2"), D("0.5")) == D("0.6")
    assert linear_gap_equity(Side.SELL, D("-0.2"), D(1)) == D("0.8")


def test_margin_of_30000_usd_at_ten_times() -> None:
    """0.1 XBT, 0.10105 with fees; the venue's rounding of each lot's value takes 0.0000001 off both."""
    instrument = with_fee(inverse(), "0.0005")
    value = instrument.value_units(30_000, D(30_000))
    rate = initial_rate(instrument.terms.initial_margin, D(10))
    assert value == 300 * 333_333
    assert round(xbt(order_margin(value, rate, D(0))), 5) == D("0.1")
    assert round(xbt(order_margin(value, rate, instrument.terms.taker_fee)), 5) == D("0.10105")


def test_leverage_changes_the_margin_not_the_value() -> None:
    """10,000 contracts at 20,000 are 10,000 USD, 0.5 XBT; at 10× the margin is worth 1,000 USD."""
    value = inverse().value_units(10_000, D(20_000))
    assert xbt(value) == D("0.5")
    assert xbt(value) * 20_000 == 10_000
    rate = initial_rate(D("0.01"), D(10))
    assert xbt(order_margin(value, rate, D(0))) * 20_000 == 1_000


def test_initial_rate() -> None:
    assert initial_rate(D("0.01"), D(5)) == D("0.2")
    assert initial_rate(D("0.01"), D(1000)) == D("0.01")
    assert initial_rate(D("0.01"), D(0)) == initial_rate(D("0.01"), None) == D("0.01")


@pytest.mark.parametrize(
    ("value", "initial", "maintenance"),
    [
        ("200", "0.01", "0.005"),
        ("200.01", "0.015", "0.01"),
        ("350", "0.015", "0.01"),
        ("351", "0.02", "0.015"),
    ],
)
def test_risk_steps(value: str, initial: str, maintenance: str) -> None:
    rates = stepped_rates(inverse().terms, D(value), D(200), D(150))
    assert rates == (D(initial), D(maintenance))


def test_maintenance_is_half_a_per_cent_whatever_the_leverage() -> None:
    cost = inverse().value_units(10_000, D(20_000))
    assert cross_maintenance(cost, MAINTENANCE) == 250_000
    free = with_fee(inverse(), "0")
    for leverage in (D(5), D(10), D(50)):
        assert isolated_margin(free, Side.BUY, 10_000, D(20_000), leverage).maintenance == 250_000


@pytest.mark.parametrize(
    ("cost", "rate", "expected"),
    [
        (7_435_001, "0.0001", 37_920),
        (7_435_001, "-0.0001", 37_176),
        (-7_435_001, "0.0001", 37_176),
        (-7_435_001, "-0.0001", 37_920),
    ],
)
def test_cross_maintenance_counts_funding_that_is_paid(cost: int, rate: str, expected: int) -> None:
    """ceil(37,175.005) = 37,176, and ceil(743.5001) = 744 more for the side that pays."""
    assert cross_maintenance(cost, MAINTENANCE, D(rate)) == expected


def orders(*rows: tuple[Side, int, int]) -> tuple[OpenQuantity, ...]:
    return tuple(OpenQuantity(side, contracts, Decimal(price)) for side, contracts, price in rows)


def test_open_orders_are_charged_for_the_larger_side() -> None:
    """At 20,000 100 contracts are 500,000 satoshi; rate 0.1, no fee."""
    instrument = with_fee(inverse(), "0")
    both = orders((Side.BUY, 200, 20_000), (Side.SELL, 300, 20_000))
    assert open_orders_margin(instrument, 0, both, D("0.1")) == 150_000
    assert open_orders_margin(instrument, 0, (), D("0.1")) == 0


def test_open_orders_that_close_are_free() -> None:
    instrument = with_fee(inverse(), "0")
    closing = orders((Side.SELL, 300, 20_000))
    assert open_orders_margin(instrument, 300, closing, D("0.1")) == 0
    assert open_orders_margin(instrument, 200, closing, D("0.1")) == 50_000
    assert open_orders_margin(instrument, -200, closing, D("0.1")) == 150_000
    # The position covers the order of the least value (at 25,000), which leaves the dearer one: 500,000.
    two = orders((Side.SELL, 100, 20_000), (Side.SELL, 100, 25_000))
    assert open_orders_margin(instrument, 100, two, D("0.1")) == 50_000


def test_order_margin_includes_both_fees_and_rounds_up() -> None:
    # 500,000 × (0.1 + 0.0005 + 0.0005 × 1.1) = 50,525; one satoshi more: 50,525.10105
    assert order_margin(500_000, D("0.1"), D("0.0005")) == 50_525
    assert order_margin(500_001, D("0.1"), D("0.0005")) == 50_526
    assert order_margin(-500_001, D("0.1"), D("0.0005")) == 50_526
