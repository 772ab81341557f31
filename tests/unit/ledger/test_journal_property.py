"""Whatever happens, every entry balances, nothing is lost, and a flat position stands at nothing.

The expectations are whole-number arithmetic of the test's own.
"""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.balances import Books
from bot.model.events import AccountOpened, Event, InstrumentLoaded
from risk.instruments import Instrument
from risk.money import Currency, Money
from risk.orders import CashFlowKind, Side
from risk.terms import Kind
from tests.unit.ledger.story import MBT, XBTUSD, Chain, cash, commission, fill, usd, xbt

COIN = 100_000_000
XBT, USD = Currency.XBT, Currency.USD

_trades = st.tuples(
    st.just("trade"),
    st.sampled_from([XBTUSD, MBT]),
    st.sampled_from(list(Side)),
    st.integers(1, 40),  # lots
    st.integers(600, 40_000),  # price in steps of 5 USD
    st.one_of(st.none(), st.integers(-5_000, 90_000)),  # fee in units, or told later
)
_flows = st.tuples(
    st.just("flow"),
    st.sampled_from(
        [CashFlowKind.DEPOSIT, CashFlowKind.WITHDRAWAL, CashFlowKind.FUNDING, CashFlowKind.SETTLEMENT]
    ),
    st.sampled_from([XBTUSD, MBT]),
    st.integers(-2_000_000, 2_000_000),
)


def _value(instrument: Instrument, contracts: int, price: int) -> int:
    """Satoshi of an inverse trade, units of USD of a linear one; both unsigned."""
    if instrument.terms.kind is Kind.INVERSE:
        return round(Fraction(10**10, price)) * (contracts // 100)  # round() of a Fraction: half to even
    return contracts * price * COIN // 10


class Expected:
    """Cash and trades, added up without any idea of double entry."""

    def __init__(self) -> None:
        self.cash_and_trades: defaultdict[Currency, int] = defaultdict(int)
        self.contracts: defaultdict[Instrument, int] = defaultdict(int)

    def trade(self, instrument: Instrument, side: Side, contracts: int, price: int, fee: int) -> None:
        sign = side.sign
        self.contracts[instrument] += sign * contracts
        if instrument.terms.kind is Kind.INVERSE:
            self.cash_and_trades[XBT] += sign * _value(instrument, contracts, price) - fee
            self.cash_and_trades[USD] -= sign * contracts * COIN
        else:
            self.cash_and_trades[USD] -= sign * _value(instrument, contracts, price) + fee
            self.cash_and_trades[XBT] += sign * contracts * COIN // 10


@given(st.lists(st.one_of(_trades, _flows), max_size=30), st.integers(600, 40_000))
def test_books_balance_whatever_happens(steps: list[tuple[object, ...]], last_step: int) -> None:
    expected = Expected()
    events: list[Event] = [
        InstrumentLoaded(XBTUSD),
        InstrumentLoaded(MBT),
        AccountOpened("bitmex", xbt(5 * COIN)),
        AccountOpened("ibkr", usd("100000")),
    ]
    expected.cash_and_trades[XBT] += 5 * COIN
    expected.cash_and_trades[USD] += 100_000 * COIN
    for number, step in enumerate(steps):
        match step:
            case ("trade", Instrument() as instrument, Side() as side, int(lots), int(steps_of_5), fee):
                contracts, price = lots * instrument.terms.lot, 5 * steps_of_5
                paid = fee if isinstance(fee, int) else 77
                money = Money(instrument.terms.settlement, paid)
                at_once = money if isinstance(fee, int) else None
                events.append(fill(f"e{number}", instrument, side, contracts, str(price), fee=at_once))
                if at_once is None:
                    events.append(commission(f"e{number}", instrument, money))
                expected.trade(instrument, side, contracts, price, paid)
            case ("flow", CashFlowKind() as kind, Instrument() as instrument, int(units)):
                money = Money(instrument.terms.settlement, units)
                events.append(cash(f"f{number}", instrument.id.venue, kind, money, instrument))
                settles = kind is CashFlowKind.SETTLEMENT and expected.contracts[instrument] != 0
                if not settles:  # a settlement only moves what is already there
                    expected.cash_and_trades[instrument.terms.settlement] += units
    _check(events, expected)

    price = 5 * last_step
    for instrument, contracts in list(expected.contracts.items()):
        if contracts:
            side = Side.SELL if contracts > 0 else Side.BUY
            events.append(
                fill(f"last-{instrument.id}", instrument, side, abs(contracts), str(price), fee=None)
            )
            expected.trade(instrument, side, abs(contracts), price, 0)
    books = _check(events, expected)
    held = books.balances()
    assert held.positions == {}
    assert held.costs == {}
    for instrument in (XBTUSD, MBT):
        for currency in Currency:
            assert held.total(f"assets:{instrument.id}", currency) == 0
    # Flat: everything is in cash.
    assert (
        sum(money.units for key, money in held.cash.items() if key[1] is XBT) == expected.cash_and_trades[XBT]
    )
    assert (
        sum(money.units for key, money in held.cash.items() if key[1] is USD) == expected.cash_and_trades[USD]
    )


def _check(events: list[Event], expected: Expected) -> Books:
    books = Books()
    for recorded in Chain(*events).recorded:
        sums: defaultdict[Currency, int] = defaultdict(int)
        for posting in books.see(recorded):
            assert posting.units != 0
            sums[posting.currency] += posting.units
        assert not any(sums.values())
    held = books.balances()
    for currency in Currency:
        assert held.total("assets:", currency) == expected.cash_and_trades[currency]
        assert held.total("", currency) == 0
    assert held.delta_xbt == Decimal(expected.cash_and_trades[XBT]) / COIN
    assert {key: count for key, count in expected.contracts.items() if count} == {
        instrument: held.positions[instrument.id]
        for instrument in (XBTUSD, MBT)
        if instrument.id in held.positions
    }
    return books
