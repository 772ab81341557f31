"""Random histories: fills of plans and of nobody, fees at once or later, cash of every kind, told twice or not."""

from hypothesis import strategies as st

from bot.model.events import AccountOpened, Event, InstrumentLoaded
from bot.model.ids import LegKey, Role
from risk.money import Money
from risk.orders import CashFlowKind, Side
from tests.unit.ledger.story import MBT, XBTUSD, cash, commission, fill, plan_proposed, usd, xbt

_orders = st.one_of(
    st.none(),
    st.just("flat-k7f3-001"),
    st.builds(
        lambda plan, tranche, role: LegKey(plan, tranche, role).client_order_id(1),
        st.sampled_from(["plan1", "plan2"]),
        st.integers(1, 2),
        st.sampled_from(Role),
    ),
)
_trades = st.tuples(
    st.sampled_from([XBTUSD, MBT]),
    st.sampled_from(Side),
    st.integers(1, 40),  # lots
    st.integers(600, 40_000),  # price in steps of 5 USD
    st.one_of(st.none(), st.integers(-5_000, 90_000)),  # fee in units, or told later
    _orders,
)
_flows = st.tuples(
    st.sampled_from(CashFlowKind), st.sampled_from([XBTUSD, MBT]), st.integers(-2_000_000, 2_000_000)
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Draw the events of a ledger, from the loading of its contracts on."""
    events: list[Event] = [
        InstrumentLoaded(XBTUSD),
        InstrumentLoaded(MBT),
        AccountOpened("bitmex", xbt(5 * 10**8)),
        AccountOpened("ibkr", usd("100000")),
        plan_proposed("plan1"),
        plan_proposed("plan2"),
    ]
    for number, step in enumerate(draw(st.lists(st.one_of(_trades, _flows), max_size=20))):
        if len(step) == 3:
            kind, instrument, units = step
            money = Money(instrument.terms.settlement, units)
            events.append(cash(f"f{number}", instrument.id.venue, kind, money, instrument))
            continue
        instrument, side, lots, steps_of_5, fee, order = step
        told = None if fee is None else Money(instrument.terms.settlement, fee)
        contracts, price = lots * instrument.terms.lot, str(5 * steps_of_5)
        trade = fill(f"e{number}", instrument, side, contracts, price, order=order, fee=told)
        events += [trade] * draw(st.integers(1, 2))
        if told is None:
            events.append(commission(f"e{number}", instrument, Money(instrument.terms.settlement, 77)))
    return events
