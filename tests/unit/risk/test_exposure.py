from datetime import UTC, datetime

import pytest

from risk.exposure import Holding, InFlight, Portfolio, delta_from_cost, exposure, in_flight, revalue
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Side
from risk.portfolio import Position
from tests.unit.risk.contracts import D, inverse, linear

INVERSE, LINEAR = inverse(), linear()
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def xbt(amount: str) -> Money:
    return Money.of(Currency.XBT, D(amount))


def usd(amount: str) -> Money:
    return Money.of(Currency.USD, D(amount))


PORTFOLIO = Portfolio(
    (xbt("5"), xbt("1.5"), usd("60000")),
    (
        Holding.opened_at(INVERSE, 100_000, D(8_000), D(10_000)),
        Holding.opened_at(LINEAR, -3, D(9_000), D(11_000)),
    ),
    D("0.25"),
)


def test_components() -> None:
    """Wallets 6.5; 12.5 XBT bought at 8,000 count 10 at 10,000 and have earned 2.5; −15; 0.25 on its way."""
    parts = exposure(PORTFOLIO)
    assert (parts.wallet, parts.unrealised, parts.margin_balance) == (D("6.5"), D("2.5"), D(9))
    assert (parts.inverse, parts.linear, parts.elsewhere) == (D(10), D(-15), D("0.25"))
    assert parts.total == delta_from_cost(PORTFOLIO) == D("4.25")


def test_naked_is_what_the_target_does_not_want() -> None:
    assert exposure(PORTFOLIO).naked() == D("4.25")
    assert exposure(PORTFOLIO).naked(D(4)) == D("0.25")


def test_cash_in_usd_carries_no_delta() -> None:
    richer = Portfolio((*PORTFOLIO.wallets, usd("1000000")), PORTFOLIO.holdings, PORTFOLIO.elsewhere)
    assert exposure(richer) == exposure(PORTFOLIO)
    assert revalue(richer, D(9_000)) - revalue(PORTFOLIO, D(9_000)) == 1_000_000


def test_revaluation_by_hand() -> None:
    """At 10,000: 6.5 + 2.5 + 0.25 XBT, 60,000 USD, and 3 × 5 × 1,000 lost on the short from 9,000."""
    assert revalue(PORTFOLIO, D(10_000)) == 92_500 + 60_000 - 15_000


def test_holding_from_the_venues_word() -> None:
    at_entry = Position(INVERSE.id, -500, NOW, entry=D(6_725))
    assert Holding.of(INVERSE, at_entry, D(6_700)).cost_units == -7_434_945  # round(1e10/6725) = 1,486,989
    stated = Position(INVERSE.id, -500, NOW, entry=D(6_725), cost_units=-7_435_000)
    assert Holding.of(INVERSE, stated, D(6_700)).cost_units == -7_435_000
    flat = Position(INVERSE.id, 0, NOW)
    assert Holding.of(INVERSE, flat, D(6_700)).unrealised == Money(Currency.XBT, 0)


def test_holding_refuses_what_it_cannot_value() -> None:
    with pytest.raises(ValueError, match="neither cost nor entry"):
        Holding.of(INVERSE, Position(INVERSE.id, 100, NOW), D(8_000))
    with pytest.raises(ValueError, match="none in"):
        Holding.of(INVERSE, Position(InstrumentId("inverse", "OTHER"), 100, NOW, D(8_000)), D(8_000))
    with pytest.raises(ValueError, match="does not fit"):
        Holding(INVERSE, 100, -1_250_000, D(8_000))
    with pytest.raises(ValueError, match="does not fit"):
        Holding(INVERSE, 0, 1, D(8_000))
    with pytest.raises(ValueError, match="price must be positive"):
        Holding(INVERSE, 100, 1_250_000, D(0))


def test_orders_in_flight_widen_delta_both_ways() -> None:
    orders = in_flight(LINEAR, Side.SELL, 2, D(10_000), D(10_005)).plus(
        in_flight(INVERSE, Side.BUY, 80_000, D(8_000), D(8_000))
    )
    assert orders == InFlight(buy=D(10), sell=D(10))
    assert orders.interval(D("0.5")) == (D("-9.5"), D("10.5"))
    assert InFlight().interval(D(3)) == (D(3), D(3))


def test_inverse_order_counts_at_the_price_that_makes_most_of_it() -> None:
    """A purchase limited at 10,000 may fill at the ask of 8,000; a sale never below its limit."""
    assert in_flight(INVERSE, Side.BUY, 80_000, D(10_000), D(8_000)).buy == 10
    assert in_flight(INVERSE, Side.BUY, 80_000, D(8_000), D(10_000)).buy == 10
    assert in_flight(INVERSE, Side.SELL, 80_000, D(8_000), D(10_000)).sell == 10


def test_negative_quantities_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        in_flight(INVERSE, Side.BUY, -100, D(8_000), D(8_000))
    with pytest.raises(ValueError, match="must not be negative"):
        InFlight(buy=D(-1))
