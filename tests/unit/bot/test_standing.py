"""A standing approval answers the tickets it contains, keeps its budgets, and steps back when things are unclear."""

from datetime import timedelta

import pytest

from adapters.venue import LinkState
from bot.model.events import (
    Alerted,
    FlattenOrdered,
    StandingGranted,
    StandingRevoked,
    TicketApproved,
    TrancheArmed,
)
from bot.model.ids import Role
from bot.model.inputs import (
    AdoptJournal,
    ApproveTicket,
    CancelPlan,
    Compared,
    GrantStanding,
    RejectTicket,
    RevokeStanding,
    SetTradingState,
)
from bot.model.plans import ApprovalMode, Cause, PlanKind
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.standing import covering
from risk.approval import Denied, Purpose
from risk.orders import OrderStatus
from risk.standing import Spent, StandingApproval, Use, scopes_for
from tests.unit.bot.desk import LONG, MBT, T0, XBTUSD, D, Desk


def leave(**changes: object) -> StandingApproval:
    """Leave to open: 0.6 XBT a day, 0.8 in all, for a month."""
    fields: dict[str, object] = {
        "standing_id": "s1",
        "scopes": scopes_for([Use.OPEN], LONG, XBTUSD.id, MBT.id),
        "daily_xbt": D("0.6"),
        "total_xbt": D("0.8"),
        "max_delta_xbt": D("0.5"),
        "price_low": D(60_000),
        "price_high": D(100_000),
        "ends_at": T0 + timedelta(days=30),
        "by": "anna",
    }
    return StandingApproval(**(fields | changes))  # type: ignore[arg-type]


def granted(desk: Desk, **changes: object) -> StandingApproval:
    standing = leave(**changes)
    desk.command(GrantStanding(standing, standing.content_hash()))
    return standing


def standing_desk(**changes: object) -> Desk:
    desk = Desk.ready()
    granted(desk, **changes)
    return desk


def opened(desk: Desk, plan_id: str, size: str = "0.3") -> None:
    """Let a plan open by itself, with its hedge."""
    desk.quotes()
    desk.propose(plan_id=plan_id, size_xbt=D(size))
    desk.wait(0.1)
    assert desk.of(Purpose.WORK)[-1].client_order_id == f"{plan_id}-01w-001"
    desk.trade()
    desk.trade("80000")
    desk.wait(0.1)
    assert desk.status == "done"


def spent(desk: Desk) -> Spent:
    return desk.state.standing["s1"].spent(desk.now)


def why(desk: Desk) -> str:
    """The code of the latest refusal a person was told."""
    (*_, last) = [alert for alert in desk.told(Alerted) if alert.code == "STANDING_DENIED"]
    return last.text


def test_a_ticket_it_contains_is_approved_at_once() -> None:
    desk = standing_desk()
    desk.propose()
    desk.wait(0.1)
    approved = desk.told(TicketApproved)
    assert [(str(one.leg), one.standing) for one in approved] == [("plan1-01w", "s1"), ("plan1-01h", "s1")]
    assert {one.envelope.approved_by for one in approved} == {"anna"}
    assert desk.told(TrancheArmed) == [TrancheArmed("plan1", 1)]
    assert [order.client_order_id for order in desk.of(Purpose.WORK)] == ["plan1-01w-001"]
    assert spent(desk) == Spent(D("0.3"), D("0.3"))


def test_without_one_a_person_is_asked_and_nobody_alerted() -> None:
    desk = standing_desk(scopes=scopes_for([Use.CLOSE], LONG, XBTUSD.id, MBT.id))
    desk.propose()
    desk.wait(0.1)
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}
    assert desk.alerts == []


def test_a_days_budget_and_the_next_days() -> None:
    desk = standing_desk(total_xbt=D(2))
    opened(desk, "plan1")
    opened(desk, "plan2")
    assert spent(desk) == Spent(D("0.6"), D("0.6"))
    desk.propose(plan_id="plan3", size_xbt=D("0.1"))
    desk.wait(0.1)
    assert len(desk.tickets) == 2
    assert "STANDING_DAY: limit s1: 0 XBT left of 0.6, given 0.1 XBT" in why(desk)
    desk.command(RejectTicket("plan3-01w", "anna", "tomorrow"))
    # Of 23 November, 09:00 UTC; a minute before midnight it is still that day, then it is the next.
    desk.now = T0.replace(hour=23, minute=59)
    desk.quotes()
    desk.propose(plan_id="plan4", size_xbt=D("0.1"))
    assert len(desk.tickets) == 2
    desk.now = T0.replace(hour=0) + timedelta(days=1)
    desk.quotes()
    desk.wait(0.1)
    assert desk.tickets == {}
    assert spent(desk) == Spent(D("0.1"), D("0.7"))


def test_who_cancels_what_a_watch_proposed_hears_that_the_next_needs_nobody() -> None:
    desk = standing_desk(scopes=scopes_for([Use.REDUCE], LONG, XBTUSD.id, MBT.id))
    desk.hold(8_000, -1)
    desk.give(Compared(()))
    desk.propose(kind=PlanKind.CLOSE, size_xbt=D("0.1"), cause=Cause.CLOSURE)
    done = desk.command(CancelPlan("plan1", "anna"))
    assert "standing approval s1 may answer that in your place" in done.text
    desk.propose(plan_id="plan2", kind=PlanKind.CLOSE, size_xbt=D("0.1"))
    assert "standing" not in desk.command(CancelPlan("plan2", "anna")).text


def test_flatten_takes_it_back() -> None:
    desk = standing_desk()
    desk.give(AdoptJournal((FlattenOrdered("f1", "anna", ("bitmex", "cme")),)))
    assert desk.told(StandingRevoked) == [StandingRevoked("s1", "anna", "flatten f1")]
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "again"))
    desk.propose()
    desk.wait(0.1)
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}
    # The journal is adopted once more after a crash: one row.
    desk.give(AdoptJournal((FlattenOrdered("f1", "anna", ("bitmex", "cme")),)))
    assert len(desk.told(StandingRevoked)) == 1


def test_the_cumulative_budget() -> None:
    desk = standing_desk()
    opened(desk, "plan1")
    opened(desk, "plan2")
    desk.now += timedelta(days=1)
    desk.quotes()
    desk.propose(plan_id="plan3", size_xbt=D("0.3"))
    assert "STANDING_TOTAL: limit s1: 0.2 XBT left of 0.8, given 0.3 XBT" in why(desk)


def test_what_did_not_fill_is_given_back_when_its_tranche_is_over() -> None:
    desk = standing_desk()
    desk.propose(size_xbt=D("0.6"))
    desk.wait(0.1)
    desk.trade(quantity=1)  # one of five: a clip is half an XBT
    desk.trade("80000")
    assert spent(desk) == Spent(D("0.6"), D("0.6"))
    desk.command(RevokeStanding("s1", "anna", "enough"))
    desk.wait(0.1)
    assert desk.status == "stopped"
    assert spent(desk) == Spent(D("0.1"), D("0.1"))


def test_a_clock_set_back_gives_no_second_budget() -> None:
    desk = standing_desk(total_xbt=D(2))
    opened(desk, "plan1", "0.5")
    desk.now -= timedelta(days=1)
    assert spent(desk) == Spent(D("0.5"), D("0.5"))


def test_revocation_stops_new_work_and_what_has_filled_is_hedged() -> None:
    desk = standing_desk()
    desk.propose(size_xbt=D("0.6"))
    desk.wait(0.1)
    desk.fill(2)
    (hedge,) = desk.of(Purpose.HEDGE)
    desk.refuse(hedge)
    desk.command(RevokeStanding("s1", "anna", "enough"))
    assert desk.told(StandingRevoked) == [StandingRevoked("s1", "anna", "enough")]
    working = desk.of(Purpose.WORK)[-1]
    desk.fill(1, order=working)
    desk.tell(OrderStatus.CANCELED, 3, working)
    for _ in range(20):
        desk.wait(0.3)
        desk.quotes()
    assert len(desk.of(Purpose.WORK)) == 1
    assert len(desk.of(Purpose.HEDGE)) == 2
    desk.trade("80000")
    desk.wait(0.1)
    assert desk.status == "stopped"
    assert abs(desk.plan.unhedged) < D("0.00125")


def test_a_revoked_one_answers_nothing() -> None:
    desk = standing_desk()
    desk.command(RevokeStanding("s1", "anna", "enough"))
    desk.propose()
    assert len(desk.tickets) == 2
    assert desk.alerts == []


def test_one_that_has_ended_answers_nothing_and_ends_new_work() -> None:
    desk = standing_desk(ends_at=T0 + timedelta(seconds=10))
    desk.propose(size_xbt=D("0.6"))
    desk.wait(0.1)
    assert {one.envelope.execute_by for one in desk.told(TicketApproved)} == {T0 + timedelta(seconds=10)}
    desk.trade()
    desk.trade("80000")
    desk.now = T0 + timedelta(seconds=10)
    desk.quotes()
    desk.wait(0.1)
    assert len(desk.of(Purpose.WORK)) == 1
    assert desk.status == "stopped"
    desk.propose(plan_id="plan2", size_xbt=D("0.1"))
    assert len(desk.tickets) == 2


def suspend_by_halt(desk: Desk) -> None:
    desk.command(SetTradingState(TradingState.REDUCING, "anna", "wait"))


def suspend_by_mismatch(desk: Desk) -> None:
    desk.give(Compared(("cme MBT: 3 at the venue, 0 in the ledger",)))


def suspend_by_link(desk: Desk) -> None:
    desk.link("bitmex", LinkState.DOWN)


def suspend_by_age(desk: Desk) -> None:
    desk.now += timedelta(seconds=6)


def test_an_unknown_order_suspends_it() -> None:
    desk = standing_desk(total_xbt=D(2), daily_xbt=D(2))
    desk.propose(size_xbt=D("0.3"))
    desk.wait(0.1)
    working = desk.last
    desk.silence()
    # Another tranche's tickets would not be answered now.
    leg = desk.plan.tranches[0].legs[Role.WORKING]
    found = covering(desk.state, desk.market, desk.policy, desk.now, [leg.ticket], Use.OPEN)
    assert isinstance(found, Denied)
    assert (found.code, found.given) == ("STANDING_SUSPENDED", working.client_order_id)
    desk.answer(desk.update(OrderStatus.CANCELED, 0, working), working)
    assert covering(desk.state, desk.market, desk.policy, desk.now, [leg.ticket], Use.OPEN) == leave(
        total_xbt=D(2), daily_xbt=D(2)
    )


@pytest.mark.parametrize("suspend", [suspend_by_mismatch, suspend_by_link, suspend_by_age, suspend_by_halt])
def test_what_suspends_it(suspend: object) -> None:
    assert callable(suspend)
    # What it is asked: first a ticket of a plan that is too large for it, so that it stays open.
    desk = standing_desk(max_ticket_xbt=D("0.1"))
    desk.propose()
    tickets = [leg.ticket for leg in desk.state.legs() if leg.status is TicketStatus.OPEN]
    granted(desk, standing_id="s2")
    assert isinstance(
        covering(desk.state, desk.market, desk.policy, desk.now, tickets, Use.OPEN), StandingApproval
    )
    suspend(desk)
    found = covering(desk.state, desk.market, desk.policy, desk.now, tickets, Use.OPEN)
    assert isinstance(found, Denied)
    assert found.code in ("STANDING_TICKET", "STANDING_SUSPENDED")
    desk.command(RevokeStanding("s1", "anna", "the other one"))
    found = covering(desk.state, desk.market, desk.policy, desk.now, tickets, Use.OPEN)
    assert isinstance(found, Denied)
    assert found.code == "STANDING_SUSPENDED"


def test_answered_as_soon_as_what_suspended_it_is_over() -> None:
    desk = standing_desk(max_ticket_xbt=D("0.1"))
    desk.propose()
    desk.give(Compared(("something",)))
    granted(desk, standing_id="s2")
    desk.wait(0.1)
    assert len(desk.tickets) == 2
    desk.give(Compared(()))
    assert desk.tickets == {}
    assert {one.standing for one in desk.told(TicketApproved)} == {"s2"}


def test_the_alert_comes_again_every_minute_until_it_is_answered() -> None:
    desk = standing_desk(max_ticket_xbt=D("0.1"))
    desk.propose()
    desk.wait(130, ticks=130)
    assert desk.alerts.count("STANDING_DENIED") == 3
    desk.quotes()
    desk.approve()
    desk.wait(70, ticks=70)
    assert desk.alerts.count("STANDING_DENIED") == 3


def test_a_person_who_has_begun_to_answer_is_not_overtaken() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.approve(Role.WORKING)
    granted(desk)
    desk.wait(0.1)
    assert set(desk.tickets) == {Role.HEDGE}


def test_sequential_plans_always_ask_a_person() -> None:
    desk = standing_desk()
    desk.propose(approval=ApprovalMode.SEQUENTIAL)
    desk.wait(0.1)
    assert Role.WORKING in desk.tickets
    assert "STANDING_SEQUENTIAL" in why(desk)


def test_the_use_of_a_plan_decides() -> None:
    desk = standing_desk(scopes=scopes_for([Use.REDUCE], LONG, XBTUSD.id, MBT.id))
    desk.hold(24_000, -3)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=D("0.3"))
    desk.wait(0.1)
    assert len(desk.tickets) == 2
    desk.command(RejectTicket("plan1-01w", "anna", "not by me"))
    desk.propose(plan_id="plan2", kind=PlanKind.CLOSE, size_xbt=D("0.3"), cause=Cause.CLOSURE)
    desk.wait(0.1)
    assert desk.tickets == {}


def test_a_collateral_hedge_counts_in_full_as_a_change_of_delta() -> None:
    scopes = scopes_for([Use.COLLATERAL, Use.OPEN], LONG, XBTUSD.id, MBT.id)
    desk = standing_desk(scopes=scopes, daily_xbt=D(2), total_xbt=D(2), max_delta_xbt=D("0.9"))
    desk.propose(collateral=True, size_xbt=D("0.3"))  # the wallet of 1 XBT is to be sold
    assert set(desk.tickets) == {Role.SINGLE}
    assert "STANDING_DELTA: limit s1: 0.9 XBT left of 0.9, given 1 XBT" in why(desk)
    granted(desk, standing_id="s2", scopes=scopes, daily_xbt=D(2), total_xbt=D(2), max_delta_xbt=D(1))
    desk.wait(0.1)
    assert desk.tickets == {}


# --- giving and revoking -----------------------------------------------------------------------------------


def test_what_is_recorded() -> None:
    desk = Desk.ready()
    standing = granted(desk)
    assert desk.told(StandingGranted) == [StandingGranted(standing)]


@pytest.mark.parametrize(
    ("changes", "shown", "code"),
    [
        ({}, "0" * 16, "STANDING_ALTERED"),
        ({"ends_at": T0 + timedelta(days=32)}, None, "STANDING_TOO_WIDE"),
        ({"total_xbt": D(21)}, None, "STANDING_TOO_WIDE"),
        ({"daily_xbt": D("5.5"), "total_xbt": D(6)}, None, "STANDING_TOO_WIDE"),
        ({"price_high": D(120_000)}, None, "STANDING_TOO_WIDE"),
        ({"max_delta_xbt": D("0.7")}, None, "STANDING_TOO_WIDE"),
        ({"ends_at": T0}, None, "STANDING_ENDED"),
    ],
)
def test_what_is_refused(changes: dict[str, object], shown: str | None, code: str) -> None:
    desk = Desk.ready()
    standing = leave(**changes)
    before = list(desk.events)
    answer = desk.give(GrantStanding(standing, shown or standing.content_hash()))
    assert isinstance(answer, Denied)
    assert answer.code == code
    assert desk.events == before


def test_a_grant_repeated_is_refused_even_after_its_revocation() -> None:
    desk = Desk.ready()
    standing = granted(desk)
    command = GrantStanding(standing, standing.content_hash())
    for _ in range(2):
        answer = desk.give(command)
        assert isinstance(answer, Denied)
        assert answer.code == "STANDING_REPEATED"
        desk.give(RevokeStanding("s1", "anna", "enough"))
    answer = desk.give(RevokeStanding("s1", "anna", "again"))
    assert isinstance(answer, Denied)
    assert answer.code == "STANDING_CLOSED"
    answer = desk.give(RevokeStanding("s9", "anna", "which"))
    assert isinstance(answer, Denied)
    assert answer.code == "STANDING_UNKNOWN"


def test_a_person_may_answer_what_it_does_not() -> None:
    desk = standing_desk(max_ticket_xbt=D("0.1"))
    desk.propose()
    ticket = desk.tickets[Role.WORKING]
    desk.command(ApproveTicket(ticket.ticket_id, ticket.material.content_hash(), "ben"))
    desk.approve()
    assert {one.standing for one in desk.told(TicketApproved)} == {""}
    assert spent(desk) == Spent()
