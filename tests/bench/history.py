"""A long and proper history: plans opened and closed in turn, every order approved, every fill paid for.

Two plans make a round: one opens the long-inverse spread of 2 XBT, the next closes it. Each has one tranche of 20
lots, worked in four orders that fill lot by lot, each lot answered by a hedge of its own: 40 fills a plan.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from bot.model.events import (
    AccountOpened,
    CashBooked,
    CommissionBooked,
    Event,
    FillBooked,
    InstrumentLoaded,
    OrderBelieved,
    OrderIntended,
    PlanFinished,
    PlanProposed,
    TicketApproved,
    TicketRaised,
    TradingStateChanged,
    TrancheArmed,
    TrancheFinished,
)
from bot.model.ids import LegKey, Role
from bot.model.order_states import Belief
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.tickets import Circumstances, Material, Ticket
from bot.model.trading_state import TradingState
from risk.approval import Envelope, Purpose
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, CommissionReport, Fill, OrderRequest, Side
from risk.terms import Kind, Terms

D = Decimal
T0 = datetime.fromisoformat("2026-01-05T09:00:00+00:00")
XBTUSD = Instrument(InstrumentId("bitmex", "XBTUSD"), Terms(Kind.INVERSE, 100, D("0.1"), D(1), 100))
MBT = Instrument(InstrumentId("cme", "MBT"), Terms(Kind.LINEAR, 1, D(5), D("0.1")))
LOTS, ORDERS, HEDGE = 20, 4, 8_000
FILLS_A_PLAN = 2 * LOTS
INVERSE_PRICE, LINEAR_PRICE = D("80000.0"), D(80_700)
_SHOWN = Circumstances(None, None, None, None, None, 0.25, D(700), D(0), D("-0.1"), None, None, None)

Group = tuple[datetime, list[Event]]
"""What one turn appends, and when."""


def history(fills: int) -> Iterator[Group]:
    """Give a history of at least so many fills, turn by turn."""
    yield (
        T0,
        [
            InstrumentLoaded(XBTUSD),
            InstrumentLoaded(MBT),
            AccountOpened("bitmex", Money(Currency.XBT, 10 * 10**8)),
            AccountOpened("cme", Money(Currency.USD, 10**6 * 10**8)),
            TradingStateChanged(TradingState.ACTIVE, "anna", "the day begins"),
        ],
    )
    for number in range(-(-fills // FILLS_A_PLAN)):
        yield from _plan(number)


def _plan(number: int) -> Iterator[Group]:
    start = T0 + timedelta(minutes=10 * number)
    opens = number % 2 == 0
    plan_id = f"p{number:07d}"
    kind = PlanKind.OPEN if opens else PlanKind.CLOSE
    spec = PlanSpec(
        plan_id,
        kind,
        Direction.LONG_INVERSE,
        XBTUSD.id,
        MBT.id,
        D(2),
        1,
        collateral=False,
        proposed_by="anna",
    )
    yield start, [PlanProposed(spec)]
    side = Side.SELL if opens else Side.BUY
    work = _Leg(LegKey(plan_id, 1, Role.WORKING), MBT, side, str(LOTS), "78000", "83000", not opens, start)
    hedge = _Leg(
        LegKey(plan_id, 1, Role.HEDGE), XBTUSD, side.opposite, "2.03", "76000", "84000", not opens, start
    )
    yield start, [TicketRaised(work.ticket), TicketRaised(hedge.ticket)]
    at = start + timedelta(seconds=10)
    yield at, [work.approved(at, Purpose.WORK)]
    yield at, [hedge.approved(at, Purpose.HEDGE), TrancheArmed(plan_id, 1)]
    hedges = 0
    for order in range(1, ORDERS + 1):
        at += timedelta(seconds=1)
        lots = LOTS // ORDERS
        yield at, [work.intended(order, lots, LINEAR_PRICE, Purpose.WORK)]
        yield at, [work.believed(order, Belief.LIVE, 0)]
        for lot in range(1, lots + 1):
            hedges += 1
            at += timedelta(milliseconds=20)
            filled = work.filled(order, lot, 1, LINEAR_PRICE, at, None)
            yield at, [filled, hedge.intended(hedges, HEDGE, INVERSE_PRICE, Purpose.HEDGE)]
            fee = Money(Currency.XBT, 5_000)
            yield at, [hedge.filled(hedges, 1, HEDGE, INVERSE_PRICE, at, fee)]
            yield at, [hedge.believed(hedges, Belief.FILLED, HEDGE)]
            report = CommissionReport(filled.fill.execution_id, MBT.id, Money.of(Currency.USD, D("1.27")), at)
            yield at, [CommissionBooked(report)]
        yield at, [work.believed(order, Belief.FILLED, lots)]
    yield (
        at,
        [TrancheFinished(plan_id, 1, "0"), PlanFinished(plan_id, PlanStatus.DONE, "every tranche is done")],
    )
    paid = Money(Currency.XBT, -1_000 if opens else 1_000)
    yield at, [CashBooked(CashFlow(f"funding-{number}", "bitmex", CashFlowKind.FUNDING, paid, at, XBTUSD.id))]


class _Leg:
    def __init__(
        self,
        key: LegKey,
        instrument: Instrument,
        side: Side,
        quantity: str,
        low: str,
        high: str,
        reduces: bool,
        start: datetime,
    ) -> None:
        self.key, self.instrument, self.side, self.reduces = key, instrument, side, reduces
        material = Material(key, instrument.id, side, reduces, D(quantity), D(low), D(high), None, None)
        until = start + timedelta(minutes=5)
        self.ticket = Ticket(material, LOTS, "open the spread: goes first", _SHOWN, start, until, 300.0)

    def approved(self, at: datetime, purpose: Purpose) -> TicketApproved:
        shown = self.ticket.material
        envelope = Envelope(
            approval_id=self.ticket.ticket_id,
            instrument=shown.instrument,
            side=shown.side,
            reduce_only=shown.reduce_only,
            quantity=shown.quantity,
            price_low=shown.price_low,
            price_high=shown.price_high,
            execute_by=at + timedelta(minutes=5),
            approved_by="anna",
            approved_at=at,
            purposes=(purpose, Purpose.CONTINGENCY),
        )
        return TicketApproved(self.key, shown.content_hash(), envelope, 1, 40)

    def intended(self, attempt: int, quantity: int, price: Decimal, purpose: Purpose) -> OrderIntended:
        client_id = self.key.client_order_id(attempt)
        request = OrderRequest(
            client_id, self.instrument.id, self.side, quantity, price, reduce_only=self.reduces
        )
        return OrderIntended(request, purpose, self.ticket.ticket_id, self.key)

    def believed(self, attempt: int, belief: Belief, filled: int) -> OrderBelieved:
        client_id = self.key.client_order_id(attempt)
        return OrderBelieved(client_id, belief, f"venue-{client_id}", filled, "")

    def filled(
        self, attempt: int, part: int, quantity: int, price: Decimal, at: datetime, fee: Money | None
    ) -> FillBooked:
        client_id = self.key.client_order_id(attempt)
        execution = f"{self.instrument.id.symbol}.{client_id}.{part:02d}"
        fill = Fill(
            execution,
            self.instrument.id,
            client_id,
            f"venue-{client_id}",
            self.side,
            quantity,
            price,
            at,
            fee,
        )
        return FillBooked(fill, False, at)
