"""Profit, fees and funding: the corrected figures of DOMAIN.md, section 5, and section 6's golden numbers."""

from decimal import Decimal

import pytest

from risk.instruments import Instrument
from risk.money import Currency, Money
from risk.pnl import fee, funding, funding_rate, in_usd, pnl, pnl_from_cost
from tests.unit.risk.contracts import D, deribit_perpetual, inverse, linear

INVERSE = inverse()


def earned(contracts: int, entry: int, price: int) -> Decimal:
    money = pnl(INVERSE, contracts, D(entry), D(price))
    assert money.currency is Currency.XBT
    return money.amount


@pytest.mark.parametrize(
    ("contracts", "entry", "price", "expected"),
    [
        (10_000, 20_000, 21_000, "0.02381"),
        (-10_000, 20_000, 19_000, "0.026316"),
        (20_000, 20_000, 20_500, "0.02439"),
        (-25_000, 25_000, 24_000, "0.0416675"),
        (1_000, 8_000, 8_500, "0.0073529"),
        (1_000, 8_000, 7_500, "-0.0083333"),
    ],
)
def test_inverse_profit_to_the_satoshi(contracts: int, entry: int, price: int, expected: str) -> None:
    assert earned(contracts, entry, price) == D(expected)
    assert earned(-contracts, entry, price) == -D(expected)


@pytest.mark.parametrize(
    ("contracts", "entry", "price", "usd"),
    [
        (10_000, 20_000, 21_000, "500"),
        (-10_000, 20_000, 19_000, "500"),
        (1_000, 8_000, 8_500, "62.50"),
        (1_000, 8_000, 7_500, "-62.50"),
    ],
)
def test_inverse_profit_in_usd_at_the_exit(contracts: int, entry: int, price: int, usd: str) -> None:
    worth = in_usd(pnl(INVERSE, contracts, D(entry), D(price)), D(price))
    assert worth.currency is Currency.USD
    assert round(worth.amount, 2) == pytest.approx(D(usd), abs=D("0.01"))


def test_value_of_the_position_that_is_said_to_need_20000_usd() -> None:
    value = INVERSE.value_units(10_000, D(20_000))
    assert Money(Currency.XBT, value).amount == D("0.5")
    assert in_usd(Money(Currency.XBT, value), D(20_000)).amount == 10_000


def test_fees_of_10000_contracts_at_0_075_per_cent() -> None:
    a_side = fee(INVERSE, 10_000, D(20_000), D("0.00075"))
    assert in_usd(a_side, D(20_000)).amount == D("7.50")
    assert in_usd(Money(Currency.XBT, 2 * a_side.units), D(20_000)).amount == 15


def test_net_of_fees_and_two_fundings() -> None:
    """10,000 long, 20,000 → 21,000, a taker fee each way, twice 0.01 % of funding: 0.022978 XBT, 482.54 USD."""
    gross = pnl(INVERSE, 10_000, D(20_000), D(21_000))
    fees = [fee(INVERSE, 10_000, D(price), D("0.00075")) for price in (20_000, 21_000)]
    paid = [funding(INVERSE, 10_000, D(20_000), D("0.0001")) for _ in range(2)]
    assert sum(in_usd(one, D(20_000)).amount for one in paid) == -2
    net = Money(Currency.XBT, gross.units - sum(f.units for f in fees) + sum(p.units for p in paid))
    assert round(net.amount, 6) == D("0.022978")
    assert round(in_usd(net, D(21_000)).amount, 2) == D("482.54")


def test_20000_contracts_after_one_funding() -> None:
    gross = in_usd(pnl(INVERSE, 20_000, D(20_000), D(20_500)), D(20_500)).amount
    paid = in_usd(funding(INVERSE, 20_000, D(20_000), D("0.0001")), D(20_000)).amount
    assert paid == -2
    assert gross + paid == pytest.approx(D("498.00"), abs=D("0.005"))


def test_who_pays_funding() -> None:
    for contracts, rate, sign in ((100, "0.0001", -1), (-100, "0.0001", 1), (100, "-0.0001", 1)):
        assert funding(INVERSE, contracts, D(20_000), D(rate)).units == sign * 50


def test_rebate_is_a_negative_fee() -> None:
    assert fee(INVERSE, -100, D(20_000), D("-0.00025")).units == -125


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        ("0", "0.0001"),
        ("0.0004", "0.0001"),
        ("0.002", "0.0015"),
        ("-0.0004", "0.0001"),
        ("-0.002", "-0.0015"),
    ],
)
def test_funding_rate(premium: str, rate: str) -> None:
    """Inside the damper the rate is the interest, 0.01 %; beyond it the premium less (or plus) 0.05 %."""
    assert funding_rate(D(premium)) == D(rate)


@pytest.mark.parametrize(("contracts", "expected"), [(-5, "50000"), (5, "-50000")])
def test_linear_profit_in_usd(contracts: int, expected: str) -> None:
    assert pnl(linear(), contracts, D(10_000), D(8_000)) == Money.of(Currency.USD, D(expected))


def test_profit_from_the_cost_of_several_fills() -> None:
    """100 at 20,000 (500,000) and 100 at 25,000 (400,000) are worth 2 × 400,000 at 25,000."""
    cost = INVERSE.value_units(100, D(20_000)) + INVERSE.value_units(100, D(25_000))
    assert pnl_from_cost(INVERSE, 200, cost, D(25_000)).units == 100_000


@pytest.mark.parametrize(
    ("instrument", "contracts", "expected"),
    [(inverse(lot=1, unit=1), 100, 476_200), (inverse(), 100, 476_190), (inverse(), -100, -476_190)],
)
def test_rounding_unit_decides_the_satoshi(instrument: Instrument, contracts: int, expected: int) -> None:
    """1e8/21,000 = 4,761.90…: 4,762 each when rounded per contract, 476,190 per lot of 100."""
    assert instrument.value_units(contracts, D(21_000)) == expected


def test_the_other_inverse_venue() -> None:
    """185,160 USD long in contracts of 10, average 15,000, mark 17,391; fee of 10 USD at 20,236.5."""
    instrument = deribit_perpetual()
    assert round(instrument.xbt(18_516, D(17_391)), 9) == D("10.646886321")
    assert pnl(instrument, 18_516, D(15_000), D(17_391)).amount == D("1.69711368")
    assert fee(instrument, 1, D("20236.5"), D("0.0005")).amount == D("2.5e-7")


def test_usd_stays_usd() -> None:
    money = Money.of(Currency.USD, D("12.34"))
    assert in_usd(money, D(8_000)) == money
