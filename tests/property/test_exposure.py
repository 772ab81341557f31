"""Δ against full revaluation, against its other form, and under price moves.

Bounds are derived, not guessed. A venue rounds value once per rounding unit by at most half a satoshi, and
once more (below one satoshi) for a broken unit: ``slack`` adds that up over the positions.
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from risk.exposure import (
    Holding,
    Portfolio,
    delta_after_closing,
    delta_from_cost,
    exposure,
    in_flight,
    revalue,
)
from risk.instruments import Instrument
from risk.money import Currency, Money
from risk.orders import Side
from risk.pnl import pnl
from tests.property.strategies import inverse_instruments, linear_instruments, lots, portfolios, prices, sides

SATOSHI = Decimal("1e-8")
LAST_DIGIT = Decimal("1e-20")  # sums of Decimals of 28 digits
ONE_PRICE = st.integers(10_000, 2_000_000).map(lambda tenths: Decimal(tenths) / 10)


def slack(portfolio: Portfolio) -> Decimal:
    """The most (XBT) by which one valuation of all inverse positions can be off through rounding."""
    total = Decimal(0)
    for holding in portfolio.holdings:
        if holding.is_inverse:
            units = Decimal(abs(holding.contracts)) / holding.instrument.terms.rounding_unit
            total += (units / 2 + 1) * SATOSHI
    return total


@settings(max_examples=300)
@given(portfolios(), ONE_PRICE)
def test_delta_is_the_slope_of_a_full_revaluation(portfolio: Portfolio, price: Decimal) -> None:
    """Every mark at one price first, then that price ±1 %: the exact value is a straight line in the price.

    Each of the two valuations is off by ``slack`` at its price, and every sum in USD by half of 1e-8; Δ itself
    is off by ``slack`` once.
    """
    portfolio = portfolio.marked(price)
    up, down = price * Decimal("1.01"), price * Decimal("0.99")
    slope = (revalue(portfolio, up) - revalue(portfolio, down)) / (up - down)
    dollars = (len(portfolio.wallets) + 2 * len(portfolio.holdings)) * SATOSHI
    bound = (slack(portfolio) * (up + down) + dollars) / (up - down) + slack(portfolio) + LAST_DIGIT
    assert abs(slope - exposure(portfolio).total) <= bound


@given(portfolios())
def test_both_forms_of_delta_agree(portfolio: Portfolio) -> None:
    """Margin balances and marks on one hand, wallets and costs on the other: each mark may be another."""
    assert abs(exposure(portfolio).total - delta_from_cost(portfolio)) <= slack(portfolio) + LAST_DIGIT


@given(
    inverse_instruments().flatmap(
        lambda i: st.tuples(st.just(i), lots(i), prices(i), prices(i), st.sampled_from([1, -1]))
    ),
    linear_instruments().flatmap(lambda i: st.tuples(st.just(i), lots(i))),
    st.integers(0, 10**11),
)
def test_delta_is_wallet_plus_what_was_bought_at_its_own_price(
    leg: tuple[Instrument, int, Decimal, Decimal, int], other: tuple[Instrument, int], wallet: int
) -> None:
    inverse, contracts, entry, mark, sign = leg
    linear, linear_contracts = other
    portfolio = Portfolio(
        (Money(Currency.XBT, wallet),),
        (
            Holding.opened_at(inverse, sign * contracts, entry, mark),
            Holding.opened_at(linear, -sign * linear_contracts, mark, mark),
        ),
    )
    exact = (
        Fraction(wallet, 10**8)
        + sign * contracts * Fraction(inverse.terms.multiplier) / Fraction(entry)
        - sign * linear_contracts * Fraction(linear.terms.multiplier)
    )
    bound = Fraction(slack(portfolio)) + Fraction(1, 10**20)
    assert abs(Fraction(delta_from_cost(portfolio)) - exact) <= bound
    assert abs(Fraction(exposure(portfolio).total) - exact) <= 2 * bound


@given(portfolios(), ONE_PRICE, ONE_PRICE)
def test_a_price_move_alone_does_not_change_delta(
    portfolio: Portfolio, before: Decimal, after: Decimal
) -> None:
    moved = exposure(portfolio.marked(after)).total - exposure(portfolio.marked(before)).total
    assert abs(moved) <= 2 * slack(portfolio) + LAST_DIGIT
    assert delta_from_cost(portfolio.marked(after)) == delta_from_cost(portfolio)


@given(
    inverse_instruments().flatmap(
        lambda i: st.tuples(st.just(i), lots(i), st.integers(0, 100), prices(i), prices(i), sides)
    ),
    st.integers(-(10**11), 10**11),
)
def test_closing_moves_delta_by_the_contracts_at_the_closing_price(
    case: tuple[Instrument, int, int, Decimal, Decimal, Side], wallet: int
) -> None:
    """Book the closing as the venue does (result to the wallet, the rest keeps its cost) and look at Δ."""
    instrument, contracts, percent, entry, price, side = case
    held = side.sign * contracts
    lot = instrument.terms.lot
    closed = side.sign * (contracts // lot * percent // 100) * lot
    before = Portfolio((Money(Currency.XBT, wallet),), (Holding.opened_at(instrument, held, entry, price),))
    result = pnl(instrument, closed, entry, price)
    after = Portfolio(
        (Money(Currency.XBT, wallet + result.units),),
        (Holding.opened_at(instrument, held - closed, entry, price),),
    )
    predicted = delta_after_closing(delta_from_cost(before), instrument, closed, price)
    # the value at the price is rounded once, that at the entry in three parts (whole, closed, kept)
    bound = slack(before) + 3 * SATOSHI
    assert abs(delta_from_cost(after) - predicted) <= bound


@given(portfolios(), st.integers(-(10**10), 10**10))
def test_cash_moves_delta_one_to_one_and_dollars_not_at_all(portfolio: Portfolio, units: int) -> None:
    """Deposits, fees, funding: XBT that comes or goes is Δ, USD is none."""
    for currency, change in ((Currency.XBT, Decimal(units) * SATOSHI), (Currency.USD, Decimal(0))):
        richer = replace(portfolio, wallets=(*portfolio.wallets, Money(currency, units)))
        moved = exposure(richer).total - exposure(portfolio).total
        assert abs(moved - change) < LAST_DIGIT


@given(
    st.one_of(inverse_instruments(), linear_instruments()).flatmap(
        lambda i: st.tuples(st.just(i), sides, lots(i), prices(i), prices(i), prices(i), st.integers(0, 100))
    ),
    st.integers(-(10**10), 10**10),
)
def test_whatever_fills_delta_stays_in_the_interval(
    case: tuple[Instrument, Side, int, Decimal, Decimal, Decimal, int], satoshi: int
) -> None:
    """A part of the order fills at a price its limit allows and the book offers: never outside."""
    instrument, side, contracts, limit, best, price, percent = case
    price = min(limit, max(price, best)) if side is Side.BUY else max(limit, price)
    delta = satoshi * SATOSHI
    low, high = in_flight(instrument, side, contracts, limit, best).interval(delta)
    filled = side.sign * (contracts * percent // 100)
    assert low <= delta <= high
    assert low <= delta + instrument.xbt(filled, price) <= high
