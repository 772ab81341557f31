import pytest

from risk.instruments import InstrumentId
from risk.money import Currency, Money, from_units, to_units
from risk.terms import Kind, Rounding, Terms
from tests.unit.risk.contracts import D, inverse, linear


def test_contracts_come_back_from_their_own_size() -> None:
    """100 / 30,000.1 × 30,000.1 is 99.99… in 28 digits; the lot must not be lost for it."""
    for price in ("30000.1", "7", "3", "64123.7"):
        for contracts in (100, 300, 12_300):
            assert inverse().contracts_for(inverse().xbt(contracts, D(price)), D(price)) == contracts


def test_less_than_a_lot_is_no_lot() -> None:
    assert inverse().contracts_for(D("0.01249999"), D(8_000)) == 0
    assert inverse().contracts_for(D("0.0125"), D(8_000)) == 100
    assert linear().contracts_for(D("4.99999999"), D(8_000)) == 0
    with pytest.raises(ValueError, match="must not be negative"):
        linear().contracts_for(D(-1), D(8_000))


def test_granule() -> None:
    assert inverse().granule(D(8_000)) == D("0.0125")
    assert linear("0.1").granule(D(8_000)) == D("0.1")


def test_part_of_a_rounding_unit_is_floored_towards_zero() -> None:
    # 1e10 / 30,000 = 333,333 a lot; a half of it 166,666.5
    assert inverse().value_units(50, D(30_000)) == 166_666
    assert inverse().value_units(-50, D(30_000)) == -166_666


def test_ids_are_written_venue_colon_symbol() -> None:
    assert InstrumentId.parse("bitmex:XBTUSD") == InstrumentId("bitmex", "XBTUSD")
    assert str(InstrumentId("cme", "BTC:Z6")) == "cme:BTC:Z6"
    assert InstrumentId.parse("cme:BTC:Z6").symbol == "BTC:Z6"
    for text in ("", "bitmex", ":XBTUSD", "bitmex:"):
        with pytest.raises(ValueError, match="venue:symbol"):
            InstrumentId.parse(text)


def test_ticks() -> None:
    terms = inverse(tick="0.5").terms
    assert terms.on_tick(D("8000.5"))
    assert not terms.on_tick(D("8000.4"))
    assert terms.to_tick(D("8000.4"), Rounding.DOWN) == 8_000
    assert terms.to_tick(D("8000.1"), Rounding.UP) == D("8000.5")
    assert terms.to_tick(D("8000.3")) == D("8000.5")


@pytest.mark.parametrize(
    ("lot", "tick", "multiplier", "unit"),
    [(0, "1", "1", 1), (1, "0", "1", 1), (1, "1", "-1", 1), (1, "1", "1", 0), (100, "1", "1", 30)],
)
def test_terms_that_cannot_be(lot: int, tick: str, multiplier: str, unit: int) -> None:
    with pytest.raises(ValueError, match=r"must be positive|do not divide"):
        Terms(Kind.INVERSE, lot, D(tick), D(multiplier), unit)


def test_settlement_currency() -> None:
    assert inverse().terms.settlement is Currency.XBT
    assert linear().terms.settlement is Currency.USD


def test_money() -> None:
    assert to_units(D("0.022978")) == 2_297_800
    assert from_units(-1) == D("-0.00000001")
    assert to_units(D("0.000000005")) == 0  # half to even
    assert to_units(D("0.000000015")) == 2
    assert str(Money(Currency.XBT, -2_000)) == "-0.00002000 XBT"
    assert str(Money.of(Currency.USD, D("1234.5"))) == "1,234.50 USD"
    for amount in ("NaN", "Infinity"):
        with pytest.raises(ValueError, match="must be finite"):
            to_units(D(amount))
