"""After a crash: orders sent a moment before are recognised by their reserved ids, and no id is used twice."""

from dataclasses import replace
from datetime import timedelta

from adapters.venue import Link, LinkState
from bot.model.actions import Ask
from bot.model.events import (
    AttemptsSpent,
    FillBooked,
    FlattenOrdered,
    OrderIntended,
    PlanStopping,
    TicketRaised,
    TicketVoided,
    TrancheArmed,
)
from bot.model.ids import LegKey, Role
from bot.model.inputs import (
    AdoptJournal,
    CancelPlan,
    Compared,
    LoadInstrument,
    OrderAnswer,
    RejectTicket,
    SpendAttempts,
)
from bot.orders.fold import apply
from bot.orders.market import Market
from bot.orders.state import BotState
from risk.approval import Purpose
from risk.money import Currency, Money
from risk.orders import (
    CashFlow,
    CashFlowKind,
    CommissionReport,
    Fill,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    Side,
)
from tests.unit.bot.desk import BTC, MBT, T0, XBTUSD, D, Desk, xbt

HEDGE = LegKey("plan1", 1, Role.HEDGE)


def restarted(desk: Desk, seconds: float = 60, forget: int = 0) -> Desk:
    """The same ledger, less the last ``forget`` events that had not reached the disk, in a new process."""
    again = Desk(desk.policy, desk.linear)
    again.events = desk.events[: len(desk.events) - forget]
    again.executions = desk.executions
    for event, at in again.events:
        apply(again.state, event, at)
    again.now = desk.now + timedelta(seconds=seconds)
    return again


def connected(desk: Desk) -> Desk:
    for instrument in (XBTUSD, MBT):
        desk.load(instrument)
    for venue in ("bitmex", "cme"):
        desk.link(venue)
    desk.quotes()
    return desk


def crashed_while_hedging() -> tuple[Desk, OrderRequest]:
    """The hedge was sent; its intent never reached the disk."""
    desk = Desk.ready().armed()
    desk.tell(OrderStatus.FILLED, 3)
    desk.fill(3, "80700")
    hedge = desk.last
    assert isinstance(desk.events[-1][0], OrderIntended)
    return restarted(desk, forget=1), hedge


# --- the state itself ------------------------------------------------------------------------------------


def test_a_state_rebuilt_from_its_events_is_the_same() -> None:
    desk = Desk.ready().armed(size_xbt=D(2), tranches=2)
    desk.trade("80700")
    desk.trade("80010", 20_000)
    desk.silence()
    desk.wait(3, ticks=3)
    assert restarted(desk).state == desk.state


def test_a_halt_is_remembered() -> None:
    desk = Desk.ready()
    assert restarted(desk).state.trading == "active"


# --- orders the crash forgot -----------------------------------------------------------------------------


def test_the_venues_answer_about_a_reserved_id_makes_the_order_ours_again() -> None:
    desk, hedge = crashed_while_hedging()
    update = desk.update(OrderStatus.FILLED, 24_000, hedge)
    desk.give(OrderAnswer(XBTUSD.id, hedge.client_order_id, update))
    desk.fill(24_000, "80000", hedge)
    connected(desk)
    order = desk.order(hedge.client_order_id)
    assert (order.purpose, order.request.quantity, order.leg) == (Purpose.HEDGE, 24_000, HEDGE)
    assert order.is_settled
    assert [event.foreign for event in desk.told(FillBooked)] == [False, False]
    assert desk.plan.unhedged == 0
    assert desk.sent == []


def test_a_fill_first_and_the_answer_after() -> None:
    """A fill tells no order's size; once the venue says the order has filled, nothing of it is in flight."""
    desk, hedge = crashed_while_hedging()
    desk.fill(8_000, "80000", hedge)
    order = desk.order(hedge.client_order_id)
    assert order.outstanding >= 16_000
    connected(desk)
    assert desk.sent == []  # what it may still bring is not hedged a second time
    desk.fill(16_000, "80000", hedge)
    desk.tell(OrderStatus.FILLED, 24_000, hedge)
    assert order.is_settled
    assert desk.plan.unhedged == 0
    desk.give(Compared(()))
    desk.wait(1)
    assert desk.status == "done"


def test_a_recovered_fill_that_was_all_there_was() -> None:
    desk, hedge = crashed_while_hedging()
    desk.fill(8_000, "80000", hedge)
    desk.tell(OrderStatus.CANCELED, 8_000, hedge)
    connected(desk)
    # 0.2 XBT are left to hedge, under an id that was never used
    assert (desk.last.quantity, desk.last.client_order_id) == (16_000, "plan1-01h-002")


def test_an_unwind_is_recognised_by_its_side() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700")
    for _ in range(6):
        desk.trade(quantity=0)
    back = desk.last
    again = restarted(desk, forget=0)
    del again.state.orders[back.client_order_id], again.state.unsettled[back.client_order_id]
    again.state.leg(LegKey("plan1", 1, Role.WORKING)).orders.remove(back.client_order_id)  # type: ignore[union-attr]
    again.fill(3, "80705", back)
    recovered = again.order(back.client_order_id)
    assert (recovered.purpose, recovered.request.side) == (Purpose.CONTINGENCY, Side.BUY)
    assert recovered.request.reduce_only
    assert again.plan.unhedged == 0


def test_an_id_beyond_the_reserved_ones_is_not_ours() -> None:
    desk, hedge = crashed_while_hedging()
    beyond = replace(hedge, client_order_id="plan1-01h-024")
    desk.fill(8_000, "80000", beyond)
    assert desk.told(FillBooked)[-1].foreign
    assert desk.alerts[-1] == "FOREIGN_FILL"


def test_spent_ids_are_never_used() -> None:
    desk, _ = crashed_while_hedging()
    desk.give(SpendAttempts(HEDGE, 5))
    assert desk.told(AttemptsSpent) == [AttemptsSpent(HEDGE, 5)]
    connected(desk)
    desk.dispel()
    assert [request.client_order_id for request in desk.of(Purpose.HEDGE)] == ["plan1-01h-006"]


def test_no_second_hedge_while_the_lost_one_may_be_on_its_way() -> None:
    desk, _ = crashed_while_hedging()
    desk.give(SpendAttempts(HEDGE, 5))
    connected(desk)
    desk.wait(11.9, ticks=20)
    assert desk.sent == []
    assert desk.alerts == ["ORDER_UNKNOWN"]
    assert not any(ask.client_order_id.startswith("plan1-01h") for ask in desk.asked)
    desk.wait(0.1)
    last_asked = [ask.client_order_id for ask in desk.asked][-5:]
    assert last_asked == [f"plan1-01h-00{attempt}" for attempt in range(1, 6)]
    for client_id in last_asked[:4]:
        desk.give(OrderAnswer(XBTUSD.id, client_id, None))
    assert desk.sent == []
    desk.give(OrderAnswer(XBTUSD.id, last_asked[4], None))
    assert [request.client_order_id for request in desk.of(Purpose.HEDGE)] == ["plan1-01h-006"]


def test_a_lost_hedge_that_arrives_late_is_the_hedge() -> None:
    desk, hedge = crashed_while_hedging()
    desk.give(SpendAttempts(HEDGE, 5))
    connected(desk)
    desk.wait(5)
    desk.fill(24_000, "80000", hedge)
    desk.tell(OrderStatus.FILLED, 24_000, hedge)
    desk.dispel()
    assert desk.sent == []
    assert desk.plan.unhedged == 0


def test_a_hedge_of_a_tranche_that_has_ended_is_written_down_first() -> None:
    """No restart asks about the ids of a plan that is over."""
    desk = Desk.ready().armed()
    working = desk.trade("80700", 0)
    desk.command(CancelPlan("plan1", "anna"))
    desk.wait(1)
    assert desk.status == "stopped"
    desk.fill(3, "80700", working)
    assert [submit.wait_durable for submit in desk.sent] == [True, True]


def test_spending_what_is_spent_gives_nothing_back() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700")
    desk.trade(quantity=0)
    desk.give(SpendAttempts(HEDGE, 1))
    desk.trade(quantity=0)
    ids = [request.client_order_id for request in desk.of(Purpose.HEDGE)]
    assert len(set(ids)) == len(ids) == 3


def test_an_order_the_crash_left_on_its_way_is_asked_about_and_settled_by_absence() -> None:
    desk = restarted(Desk.ready().armed())
    connected(desk)
    desk.wait(1)
    assert desk.asked == [Ask(MBT.id, "plan1-01w-001")]
    order = desk.order("plan1-01w-001").request
    desk.answer(None, order)
    desk.answer(None, order)
    assert desk.order("plan1-01w-001").belief.value == "refused"


# --- after a restart, hedging comes first ----------------------------------------------------------------


def test_a_filled_part_is_hedged_after_a_long_restart_not_unwound() -> None:
    desk, _ = crashed_while_hedging()
    desk.give(SpendAttempts(HEDGE, 5))
    desk.wait(1)
    assert desk.status == "active"
    connected(desk)
    desk.dispel()
    assert desk.alerts == ["ORDER_UNKNOWN"]
    assert [request.quantity for request in desk.of(Purpose.HEDGE)] == [24_000]
    assert desk.of(Purpose.CONTINGENCY) == []


def test_nothing_is_worked_before_books_and_venues_agree_again() -> None:
    desk = Desk.ready()
    desk.propose()
    desk = connected(restarted(desk, seconds=1))
    desk.approve()
    desk.quotes()
    assert desk.sent == []
    desk.give(Compared(()))
    assert len(desk.of(Purpose.WORK)) == 1


# --- fills of others -------------------------------------------------------------------------------------


def foreign(**changes: object) -> Fill:
    fields: dict[str, object] = {
        "execution_id": "f1",
        "instrument": MBT.id,
        "client_order_id": None,
        "venue_order_id": "by-hand",
        "side": Side.BUY,
        "quantity": 2,
        "price": D(80_700),
        "at": T0 + timedelta(seconds=1),
    }
    return Fill(**(fields | changes))  # type: ignore[arg-type]


def test_a_foreign_fill_is_booked_and_alerted_and_not_hedged() -> None:
    desk = Desk.ready().armed()
    desk.give(foreign())
    desk.give(foreign())
    assert [event.foreign for event in desk.told(FillBooked)] == [True]
    assert desk.state.positions[MBT.id] == 2
    assert desk.alerts == ["FOREIGN_FILL"]
    assert desk.of(Purpose.HEDGE) == []
    assert desk.plan.unhedged == 0


def test_another_programs_order_id_is_foreign_too() -> None:
    desk = Desk.ready()
    desk.give(foreign(client_order_id="other-bot-17"))
    assert desk.told(FillBooked)[0].foreign


def test_a_fill_in_a_contract_of_no_concern_is_alerted_only() -> None:
    desk = Desk.ready()
    desk.give(foreign(instrument=BTC.id))
    assert desk.told(FillBooked) == []
    assert desk.alerts == ["FOREIGN_FILL"]


# --- before the books ------------------------------------------------------------------------------------


def test_what_happened_before_the_books_is_in_the_opening_balance() -> None:
    desk = Desk.ready()
    early = T0 - timedelta(seconds=1)
    before = list(desk.events)
    desk.give(foreign(at=early))
    desk.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, xbt("1"), early))
    desk.give(CommissionReport("f1", MBT.id, Money.of(Currency.USD, D("2.37")), early))
    assert desk.events == before


def test_what_happened_since_is_booked() -> None:
    desk = Desk.ready()
    desk.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, xbt("1"), T0))
    desk.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, xbt("1"), T0))
    assert desk.state.cash_and_cost["bitmex"] == xbt("2")


def test_a_commission_may_come_before_its_fill_and_twice() -> None:
    desk = Desk.ready()
    report = CommissionReport("f1", MBT.id, Money.of(Currency.USD, D("4.74")), T0 + timedelta(seconds=1))
    desk.give(report)
    assert desk.state.cash_and_cost["cme"] == Money.of(Currency.USD, D("1999995.26"))
    desk.give(foreign())
    desk.give(report)
    assert desk.state.awaiting_fee == set()
    # and 2 × 0.1 XBT bought at 80,700
    assert desk.state.cash_and_cost["cme"] == Money.of(Currency.USD, D("1999995.26") - D(16_140))


def test_a_fill_without_its_fee_waits_for_it() -> None:
    desk = Desk.ready()
    desk.give(foreign())
    assert desk.state.awaiting_fee == {("cme", "f1")}


def test_the_first_meeting_opens_the_books_once() -> None:
    desk = restarted(Desk.ready())
    before = list(desk.events)
    desk.give(Link("cme", LinkState.UP, desk.now))
    desk.give(LoadInstrument(MBT))
    assert desk.events == before
    assert isinstance(desk.market, Market)
    assert isinstance(desk.state, BotState)


def test_an_update_of_a_reserved_id_is_enough() -> None:
    desk, hedge = crashed_while_hedging()
    desk.give(
        OrderUpdate(
            XBTUSD.id, hedge.client_order_id, "v9", OrderStatus.NEW, Side.BUY, 24_000, 0, 24_000, desk.now
        )
    )
    connected(desk)
    assert desk.sent == []
    assert desk.order(hedge.client_order_id).request.quantity == 24_000


# --- a turn cut in two -----------------------------------------------------------------------------------


def cut(desk: Desk, kind: type[object]) -> Desk:
    """A new process whose ledger ends just before the last event of ``kind``."""
    index = max(i for i, (event, _) in enumerate(desk.events) if isinstance(event, kind))
    return connected(restarted(desk, seconds=1, forget=len(desk.events) - index))


def test_half_a_tranches_tickets_end_the_plan() -> None:
    desk = Desk.ready()
    desk.propose()
    desk = cut(desk, TicketRaised)
    assert desk.status == "stopped"
    assert desk.plan.reason == "not every ticket of tranche 1 was written down"
    assert desk.tickets == {}


def test_two_approvals_whose_arming_was_lost_arm() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.approve()
    desk = cut(desk, TrancheArmed)
    desk.give(Compared(()))
    assert desk.told(TrancheArmed) == [TrancheArmed("plan1", 1)]
    assert len(desk.of(Purpose.WORK)) == 1


def test_a_rejection_whose_consequence_was_lost_ends_the_plan() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.command(RejectTicket("plan1-01w", "anna", "no"))
    desk = cut(desk, PlanStopping)
    assert desk.status == "stopped"
    assert desk.tickets == {}


def test_a_stopped_plan_leaves_no_ticket_open() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.command(RejectTicket("plan1-01w", "anna", "no"))
    desk = cut(desk, TicketVoided)
    assert desk.status == "stopped"
    assert desk.tickets == {}


def test_a_flatten_half_adopted_is_adopted_again() -> None:
    desk = Desk.ready()
    desk.propose()
    ordered = FlattenOrdered("k7f3q2ab", "anna", ("bitmex", "cme"))
    desk.give(AdoptJournal((ordered,)))
    desk = cut(desk, FlattenOrdered)
    assert desk.state.trading == "halted"
    desk.give(AdoptJournal((ordered,)))
    assert desk.told(FlattenOrdered) == [ordered]
