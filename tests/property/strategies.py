"""What property tests draw from: contracts, prices on tick, whole lots, fills, positions, portfolios.

Sizes and prices stay within what can occur (1,000 to 200,000 USD, up to some hundred XBT a position), so that
a counterexample is one that somebody could meet.
"""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from risk.exposure import Holding, Portfolio
from risk.instruments import Instrument, InstrumentId
from risk.money import UNITS_PER_COIN, Currency, Money
from risk.orders import Fill, Side
from risk.terms import Kind, Terms

LOWEST, HIGHEST = 1_000, 200_000
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

sides = st.sampled_from(list(Side))


@st.composite
def inverse_instruments(draw: st.DrawFn, venue: str = "inverse") -> Instrument:
    """BitMEX-like of every age: lots of 1 or 100, rounded per contract or per lot, and contracts of 10 USD."""
    lot, unit = draw(st.sampled_from([(100, 100), (1, 1), (100, 1), (1, 100)]))
    terms = Terms(
        Kind.INVERSE,
        lot=lot,
        tick=draw(st.sampled_from([Decimal("0.1"), Decimal("0.5"), Decimal("2.5")])),
        multiplier=draw(st.sampled_from([Decimal(1), Decimal(10)])),
        rounding_unit=unit,
    )
    return Instrument(InstrumentId(venue, draw(st.sampled_from(["XBTUSD", "XBTZ26"]))), terms)


@st.composite
def linear_instruments(draw: st.DrawFn, venue: str = "linear") -> Instrument:
    """CME-like: contracts of 5, 0.1 and 0.02 XBT, tick 5."""
    symbol, multiplier = draw(st.sampled_from([("BTC", "5"), ("MBT", "0.1"), ("BFF", "0.02")]))
    return Instrument(InstrumentId(venue, symbol), Terms(Kind.LINEAR, 1, Decimal(5), Decimal(multiplier)))


instruments = st.one_of(inverse_instruments(), linear_instruments())


def prices(instrument: Instrument, low: int = LOWEST, high: int = HIGHEST) -> st.SearchStrategy[Decimal]:
    """Prices on the instrument's tick, in USD per XBT."""
    tick = instrument.terms.tick
    return st.integers(int(low / tick), int(high / tick)).map(lambda ticks: ticks * tick)


def near(instrument: Instrument, price: Decimal, fraction: str = "0.02") -> st.SearchStrategy[Decimal]:
    """Prices on tick within a ``fraction`` of ``price``."""
    band = Decimal(fraction)
    return prices(instrument, int(price * (1 - band)), int(price * (1 + band)) + 1)


def lots(instrument: Instrument, most_xbt: int = 200, least: int = 1) -> st.SearchStrategy[int]:
    """Contracts in whole lots, from ``least`` lots to about ``most_xbt`` XBT (at 8,000 if inverse)."""
    most = instrument.contracts_for(Decimal(most_xbt), Decimal(8_000)) // instrument.terms.lot
    return st.integers(least, max(least, most)).map(lambda count: count * instrument.terms.lot)


def signed_lots(instrument: Instrument, most_xbt: int = 200) -> st.SearchStrategy[int]:
    """Positions: whole lots, long or short or none."""
    return st.tuples(lots(instrument, most_xbt, least=0), st.sampled_from([1, -1])).map(lambda p: p[0] * p[1])


@st.composite
def fills(
    draw: st.DrawFn,
    instrument: Instrument,
    side: Side | None = None,
    price: Decimal | None = None,
    most_xbt: int = 50,
) -> Fill:
    """Executions of whole lots; each draw is an execution of its own id."""
    return Fill(
        execution_id=f"x{draw(st.integers(1, 10**12))}",
        instrument=instrument.id,
        client_order_id="c1",
        venue_order_id="v1",
        side=draw(sides) if side is None else side,
        quantity=draw(lots(instrument, most_xbt)),
        price=draw(prices(instrument)) if price is None else price,
        at=NOW,
    )


@st.composite
def holdings(draw: st.DrawFn, of: st.SearchStrategy[Instrument] = instruments) -> Holding:
    """Positions opened at one price and marked at another."""
    instrument = draw(of)
    contracts, entry, mark = (
        draw(signed_lots(instrument)),
        draw(prices(instrument)),
        draw(prices(instrument)),
    )
    return Holding.opened_at(instrument, contracts, entry, mark)


def money(currency: Currency, most: int = 1_000) -> st.SearchStrategy[Money]:
    """Amounts from −``most`` to ``most`` whole units of the currency, to 1e-8."""
    bound = most * UNITS_PER_COIN
    return st.integers(-bound, bound).map(lambda units: Money(currency, units))


@st.composite
def portfolios(draw: st.DrawFn) -> Portfolio:
    """Wallets in either currency, up to five positions, XBT on its way."""
    wallets = st.one_of(money(Currency.XBT), money(Currency.USD, 10_000_000))
    return Portfolio(
        wallets=tuple(draw(st.lists(wallets, max_size=3))),
        holdings=tuple(draw(st.lists(holdings(), max_size=5))),
        elsewhere=draw(money(Currency.XBT, 100)).amount,
    )
