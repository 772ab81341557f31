from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from risk.instruments import Instrument
from risk.money import UNITS_PER_COIN, Currency, Money, from_units, to_units
from risk.pnl import pnl
from tests.property.strategies import instruments, inverse_instruments, lots, prices

# Beyond all bitcoin, and beyond all dollars, there will be; Decimal's 28 digits reach further still.
units = st.integers(-(10**24), 10**24)
currencies = st.sampled_from(list(Currency))


@given(units)
def test_units_come_back(count: int) -> None:
    assert to_units(from_units(count)) == count
    assert Fraction(from_units(count)) == Fraction(count, UNITS_PER_COIN)


@given(currencies, units)
def test_money_comes_back(currency: Currency, count: int) -> None:
    money = Money(currency, count)
    assert Money.of(currency, money.amount) == money
    assert (-money).amount == -money.amount


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=8))
def test_amounts_of_eight_places_are_exact(amount: Decimal) -> None:
    assert from_units(to_units(amount)) == amount


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=14))
def test_rounding_is_to_the_nearest_unit(amount: Decimal) -> None:
    assert abs(Fraction(to_units(amount)) - Fraction(amount) * UNITS_PER_COIN) <= Fraction(1, 2)


@given(units)
def test_text_states_the_amount(count: int) -> None:
    number, currency = str(Money(Currency.XBT, count)).split()
    assert (to_units(Decimal(number.replace(",", ""))), currency) == (count, "XBT")


@given(instruments.flatmap(lambda i: st.tuples(st.just(i), lots(i), prices(i), prices(i))))
def test_profit_of_a_long_is_the_loss_of_a_short(case: tuple[Instrument, int, Decimal, Decimal]) -> None:
    instrument, contracts, entry, price = case
    gain = pnl(instrument, contracts, entry, price)
    assert pnl(instrument, -contracts, entry, price) == -gain
    assert pnl(instrument, contracts, price, entry) == -gain
    assert pnl(instrument, contracts, entry, entry).units == 0
    assert gain.units * (price - entry) >= 0


@given(inverse_instruments().flatmap(lambda i: st.tuples(st.just(i), lots(i), lots(i), prices(i))))
def test_whole_units_add_up(case: tuple[Instrument, int, int, Decimal]) -> None:
    """Two fills at one price are worth what one fill of both is: to the satoshi, if no unit is broken."""
    instrument, one, other, price = case
    together = instrument.value_units(one + other, price)
    apart = instrument.value_units(one, price) + instrument.value_units(other, price)
    unit = instrument.terms.rounding_unit
    assert 0 <= together - apart <= (0 if one % unit == other % unit == 0 else 1)


@given(inverse_instruments().flatmap(lambda i: st.tuples(st.just(i), lots(i), prices(i))))
def test_value_is_the_exact_one_rounded_once_per_unit(case: tuple[Instrument, int, Decimal]) -> None:
    instrument, contracts, price = case
    exact = Fraction(contracts) * Fraction(instrument.terms.multiplier) * UNITS_PER_COIN / Fraction(price)
    bound = Fraction(contracts, instrument.terms.rounding_unit) / 2 + 1
    assert abs(instrument.value_units(contracts, price) - exact) <= bound
