"""The contracts the golden figures of DOMAIN.md speak of."""

from dataclasses import replace
from decimal import Decimal

from risk.instruments import Instrument, InstrumentId
from risk.money import from_units
from risk.terms import Kind, Terms

D = Decimal


def inverse(tick: str = "0.1", lot: int = 100, unit: int = 100, fee: str = "0.0005") -> Instrument:
    """A BitMEX-like contract of 1 USD; ``unit`` is what value is rounded by."""
    return Instrument(
        InstrumentId("inverse", "XBTUSD"),
        Terms(Kind.INVERSE, lot, D(tick), D(1), unit, maker_fee=D(fee), taker_fee=D(fee)),
    )


def linear(multiplier: str = "5") -> Instrument:
    """A CME-like contract of ``multiplier`` XBT."""
    return Instrument(InstrumentId("linear", "BTC"), Terms(Kind.LINEAR, 1, D(5), D(multiplier)))


def deribit_perpetual() -> Instrument:
    """Contracts of 10 USD; only totals are rounded, so the rounding unit is beyond any position."""
    terms = Terms(Kind.INVERSE, 1, D("0.5"), D(10), rounding_unit=10**9)
    return Instrument(InstrumentId("other", "BTC-PERPETUAL"), terms)


def with_fee(instrument: Instrument, rate: str) -> Instrument:
    return replace(instrument, terms=replace(instrument.terms, maker_fee=D(rate), taker_fee=D(rate)))


def xbt(units: int) -> Decimal:
    return from_units(units)
