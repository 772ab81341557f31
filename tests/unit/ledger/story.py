"""Events for the tests of the ledger: the two contracts, a chain in memory, and a properly approved plan."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.model.codec import GENESIS, record
from bot.model.events import (
    CashBooked,
    CommissionBooked,
    Event,
    FillBooked,
    InstrumentLoaded,
    OrderIntended,
    PlanProposed,
    Recorded,
    TicketApproved,
    TicketRaised,
)
from bot.model.ids import LegKey, Role
from bot.model.plans import PlanKind, PlanSpec
from bot.model.tickets import Circumstances, Material, Ticket
from risk.approval import Envelope, Purpose
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, CommissionReport, Fill, OrderRequest, Side
from risk.standing import StandingApproval, Use, scopes_for
from risk.terms import Kind, Terms

D = Decimal
T0 = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

XBTUSD = Instrument(InstrumentId("bitmex", "XBTUSD"), Terms(Kind.INVERSE, 100, D("0.1"), D(1), 100))
BTC = Instrument(InstrumentId("ibkr", "BTC"), Terms(Kind.LINEAR, 1, D(5), D(5)))
MBT = Instrument(InstrumentId("ibkr", "MBT"), Terms(Kind.LINEAR, 1, D(5), D("0.1")))


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def xbt(units: int) -> Money:
    return Money(Currency.XBT, units)


def usd(amount: str) -> Money:
    return Money.of(Currency.USD, D(amount))


class Chain:
    """A chain of events in memory."""

    def __init__(self, *events: Event) -> None:
        self.recorded: list[Recorded] = []
        for event in events:
            self.add(event)

    def add(self, event: Event, seconds: float = 0) -> Recorded:
        previous = self.recorded[-1].hash if self.recorded else GENESIS
        recorded, _ = record(previous, len(self.recorded) + 1, at(seconds), event)
        self.recorded.append(recorded)
        return recorded


def fill(
    execution_id: str,
    instrument: Instrument,
    side: Side,
    quantity: int,
    price: str,
    *,
    order: str | None = None,
    fee: Money | None = None,
    seconds: float = 0,
) -> FillBooked:
    """A fill of our ``order``, or a foreign one without."""
    told = Fill(execution_id, instrument.id, order, "v1", side, quantity, D(price), at(seconds), fee)
    return FillBooked(told, order is None, at(seconds))


def commission(execution_id: str, instrument: Instrument, fee: Money) -> CommissionBooked:
    return CommissionBooked(CommissionReport(execution_id, instrument.id, fee, T0))


def cash(
    flow_id: str,
    venue: str,
    kind: CashFlowKind,
    amount: Money,
    instrument: Instrument | None = None,
    seconds: float = 0,
) -> CashBooked:
    return CashBooked(
        CashFlow(flow_id, venue, kind, amount, at(seconds), None if instrument is None else instrument.id)
    )


def leg(role: Role, tranche: int = 1, plan_id: str = "plan1") -> LegKey:
    return LegKey(plan_id, tranche, role)


def plan_proposed(plan_id: str = "plan1") -> PlanProposed:
    return PlanProposed(
        PlanSpec(
            plan_id=plan_id,
            kind=PlanKind.OPEN,
            direction=Direction.LONG_INVERSE,
            inverse=XBTUSD.id,
            linear=MBT.id,
            size_xbt=D("0.2"),
            tranches=2,
            collateral=False,
            proposed_by="anna",
            min_basis=D(100),
        )
    )


def ticket(
    key: LegKey,
    instrument: Instrument,
    side: Side,
    quantity: str,
    low: str,
    high: str,
    *,
    reduce_only: bool = False,
) -> Ticket:
    material = Material(key, instrument.id, side, reduce_only, D(quantity), D(low), D(high), None, None)
    shown = Circumstances(None, None, None, None, None, 0.25, None, D(0), D("-0.1"), None, None, None)
    return Ticket(material, 1, "open the spread: goes first", shown, T0, at(600), 900.0)


def approved(
    of: Ticket,
    *purposes: Purpose,
    first: int = 1,
    last: int = 20,
    **changes: object,
) -> TicketApproved:
    """The approval of a ticket, exactly as shown but for ``changes``."""
    material = of.material
    fields: dict[str, object] = {
        "approval_id": of.ticket_id,
        "instrument": material.instrument,
        "side": material.side,
        "reduce_only": material.reduce_only,
        "quantity": material.quantity,
        "price_low": material.price_low,
        "price_high": material.price_high,
        "execute_by": at(900),
        "approved_by": "anna",
        "approved_at": at(10),
        "purposes": purposes,
    }
    envelope = Envelope(**(fields | changes))  # type: ignore[arg-type]
    return TicketApproved(material.leg, material.content_hash(), envelope, first, last)


def intended(
    key: LegKey,
    attempt: int,
    instrument: Instrument,
    side: Side,
    quantity: int,
    price: str,
    purpose: Purpose,
    *,
    reduce_only: bool = False,
) -> OrderIntended:
    request = OrderRequest(
        key.client_order_id(attempt), instrument.id, side, quantity, D(price), reduce_only=reduce_only
    )
    return OrderIntended(request, purpose, str(key), key)


def standing(**changes: object) -> StandingApproval:
    """Leave to open the spread of ``approved_pair`` until noon: 0.15 XBT a day, 0.25 in all."""
    fields: dict[str, object] = {
        "standing_id": "s1",
        "scopes": scopes_for([Use.OPEN], Direction.LONG_INVERSE, XBTUSD.id, MBT.id),
        "daily_xbt": D("0.15"),
        "total_xbt": D("0.25"),
        "max_delta_xbt": D("0.1"),
        "price_low": D(5_000),
        "price_high": D(15_000),
        "ends_at": at(3 * 3600),
        "by": "anna",
    }
    return StandingApproval(**(fields | changes))  # type: ignore[arg-type]


WORKING, HEDGE = leg(Role.WORKING), leg(Role.HEDGE)
WORKING_TICKET = ticket(WORKING, MBT, Side.SELL, "1", "9000", "11000")
# 0.1 XBT are 800 contracts at 8,000; 0.11 leave room for 880.
HEDGE_TICKET = ticket(HEDGE, XBTUSD, Side.BUY, "0.11", "7000", "9000")


def approved_pair() -> Chain:
    """A plan with one tranche, both legs approved, nothing sent: sell 0.1 XBT at CME, buy it back at BitMEX."""
    chain = Chain(InstrumentLoaded(XBTUSD), InstrumentLoaded(MBT), plan_proposed())
    chain.add(TicketRaised(WORKING_TICKET))
    chain.add(TicketRaised(HEDGE_TICKET))
    chain.add(approved(WORKING_TICKET, Purpose.WORK, Purpose.CONTINGENCY), 10)
    chain.add(approved(HEDGE_TICKET, Purpose.HEDGE, Purpose.CONTINGENCY), 10)
    return chain


def sell_mbt(attempt: int = 1, quantity: int = 1, price: str = "10000") -> OrderIntended:
    return intended(WORKING, attempt, MBT, Side.SELL, quantity, price, Purpose.WORK)


def buy_xbtusd(attempt: int = 1, quantity: int = 800, price: str = "8000") -> OrderIntended:
    return intended(HEDGE, attempt, XBTUSD, Side.BUY, quantity, price, Purpose.HEDGE)
