"""Two approvals arm a tranche; what is altered, late or closed is denied."""

from datetime import timedelta

import pytest

from bot.model.events import (
    PlanFinished,
    PlanStopping,
    TicketApproved,
    TicketExpired,
    TicketRejected,
    TicketVoided,
    TrancheArmed,
)
from bot.model.ids import LegKey, Role
from bot.model.inputs import ApproveTicket, CancelPlan, RejectTicket, SetTradingState
from bot.model.plans import PlanStatus
from bot.model.trading_state import TradingState
from risk.approval import Denied, Purpose
from risk.orders import Side, TimeInForce
from tests.unit.bot.desk import XBTUSD, D, Desk

WORKING, HEDGE = LegKey("plan1", 1, Role.WORKING), LegKey("plan1", 1, Role.HEDGE)


def proposed() -> Desk:
    desk = Desk.ready()
    desk.propose()
    return desk


def approval(desk: Desk, role: Role, **changes: str) -> ApproveTicket:
    ticket = desk.tickets[role]
    fields = {"ticket_id": ticket.ticket_id, "content_hash": ticket.material.content_hash(), "by": "anna"}
    return ApproveTicket(**(fields | changes))


def denied(desk: Desk, command: ApproveTicket | RejectTicket) -> str:
    before = list(desk.events)
    answer = desk.give(command)
    assert isinstance(answer, Denied)
    assert desk.events == before
    assert desk.sent == []
    return answer.code


@pytest.mark.parametrize("first", [Role.WORKING, Role.HEDGE])
def test_one_approval_sends_nothing_two_arm(first: Role) -> None:
    desk = proposed()
    desk.approve(first)
    desk.wait(1, ticks=5)
    desk.quotes()
    assert desk.sent == []
    assert desk.told(TrancheArmed) == []
    desk.approve()
    assert desk.told(TrancheArmed) == [TrancheArmed("plan1", 1)]
    assert [submit.order.purpose for submit in desk.sent] == [Purpose.WORK]


def test_the_working_order_that_follows() -> None:
    desk = proposed()
    desk.approve()
    order = desk.last
    assert order.client_order_id == "plan1-01w-001"
    assert (order.side, order.quantity, order.time_in_force) == (Side.SELL, 3, TimeInForce.IOC)
    # two ticks of 5 through the bid of 80,700
    assert order.price == D(80_690)
    assert not order.reduce_only
    assert desk.sent[-1].order.basis == D(690)
    assert desk.sent[-1].wait_durable


def test_what_an_approval_records() -> None:
    desk = proposed()
    ticket = desk.tickets[Role.HEDGE]
    desk.wait(2)
    desk.approve(Role.HEDGE)
    (approved,) = desk.told(TicketApproved)
    material, envelope = ticket.material, approved.envelope
    assert approved.content_hash == material.content_hash()
    # twenty, and one for each of the three lots that may fill by itself
    assert (approved.first_attempt, approved.last_attempt) == (1, 23)
    assert envelope.approval_id == "plan1-01h"
    assert (envelope.quantity, envelope.price_low, envelope.price_high) == (
        material.quantity,
        material.price_low,
        material.price_high,
    )
    assert envelope.purposes == (Purpose.HEDGE, Purpose.CONTINGENCY)
    assert (envelope.approved_by, envelope.approved_at) == ("anna", desk.now)
    assert envelope.execute_by == desk.now + timedelta(seconds=300)


def test_an_altered_ticket() -> None:
    desk = proposed()
    assert denied(desk, approval(desk, Role.WORKING, content_hash="0" * 16)) == "TICKET_ALTERED"


def test_the_partners_hash_does_not_fit() -> None:
    desk = proposed()
    other = desk.tickets[Role.HEDGE].material.content_hash()
    assert denied(desk, approval(desk, Role.WORKING, content_hash=other)) == "TICKET_ALTERED"


def test_a_ticket_nobody_raised() -> None:
    desk = proposed()
    assert denied(desk, approval(desk, Role.WORKING, ticket_id="plan1-02w")) == "TICKET_UNKNOWN"
    assert denied(desk, RejectTicket("plan1-02w", "anna", "no")) == "TICKET_UNKNOWN"


def test_a_ticket_approved_twice() -> None:
    desk = proposed()
    again = approval(desk, Role.WORKING)
    desk.approve(Role.WORKING)
    assert denied(desk, again) == "TICKET_CLOSED"


def test_a_ticket_too_late_even_before_it_is_seen_to_have_expired() -> None:
    desk = proposed()
    late = approval(desk, Role.WORKING)
    desk.now += timedelta(seconds=300)
    assert denied(desk, late) == "TICKET_EXPIRED"


def test_a_ticket_in_the_last_moment() -> None:
    desk = proposed()
    in_time = approval(desk, Role.WORKING)
    desk.now += timedelta(seconds=300, microseconds=-1)
    desk.quotes()
    desk.command(in_time)


@pytest.mark.parametrize("stale", ["inverse", "linear"])
def test_nothing_is_approved_on_quotes_that_have_aged(stale: str) -> None:
    desk = proposed()
    early = approval(desk, Role.WORKING)
    desk.now += timedelta(seconds=36)  # five the policy allows, and thirty to read
    if stale == "inverse":
        desk.quote(desk.linear, "80700", "80705")
    else:
        desk.quote(XBTUSD, "79999.9", "80000")
    assert denied(desk, early) == "TICKET_STALE"
    desk.quotes()
    desk.command(early)


def test_an_approval_given_again_changes_nothing() -> None:
    desk = proposed()
    first = approval(desk, Role.WORKING)
    desk.approve(Role.WORKING)
    assert denied(desk, first) == "TICKET_CLOSED"
    desk.approve(Role.HEDGE)
    sent = len(desk.sent)
    assert isinstance(desk.give(first), Denied)
    assert len(desk.sent) == sent


def test_an_approval_of_an_earlier_tranche_fits_no_later_one() -> None:
    desk = Desk.ready()
    desk.propose(tranches=2, size_xbt=D("0.2"))
    old = approval(desk, Role.WORKING)
    desk.approve()
    desk.trade()
    desk.trade("80000")
    desk.wait(0.1)
    again = approval(desk, Role.WORKING, content_hash=old.content_hash)
    assert again.ticket_id == "plan1-02w"
    answer = desk.give(again)
    assert isinstance(answer, Denied)
    assert answer.code == "TICKET_ALTERED"


def test_nobody_answers() -> None:
    desk = proposed()
    desk.wait(300)
    assert desk.told(TicketExpired) == [TicketExpired(WORKING)]
    assert desk.told(TicketVoided) == [TicketVoided(HEDGE, "nobody approved plan1-01w in time")]
    assert desk.status == "stopped"
    assert desk.sent == []


def test_only_one_answers() -> None:
    desk = proposed()
    desk.approve(Role.WORKING)
    desk.wait(299)
    assert desk.status == "active"
    desk.wait(1)
    assert desk.told(TicketExpired) == [TicketExpired(HEDGE)]
    assert desk.status == "stopped"
    desk.quotes()
    assert desk.sent == []


def test_a_rejection_voids_the_partner_and_ends_the_plan() -> None:
    desk = proposed()
    late = approval(desk, Role.HEDGE)
    desk.command(RejectTicket("plan1-01w", "anna", "too thin"))
    assert desk.told(TicketRejected) == [TicketRejected(WORKING, "anna", "too thin")]
    assert desk.told(TicketVoided) == [TicketVoided(HEDGE, "plan1-01w was rejected: too thin")]
    assert desk.told(PlanStopping) == [PlanStopping("plan1", "plan1-01w was rejected: too thin")]
    assert desk.told(PlanFinished) == [
        PlanFinished("plan1", PlanStatus.STOPPED, "plan1-01w was rejected: too thin")
    ]
    assert denied(desk, late) == "TICKET_CLOSED"


def test_a_rejection_after_the_partners_approval() -> None:
    desk = proposed()
    desk.approve(Role.HEDGE)
    desk.command(RejectTicket("plan1-01w", "anna", "no"))
    desk.wait(1, ticks=5)
    desk.quotes()
    assert desk.status == "stopped"
    assert desk.sent == []


def test_a_rejected_ticket_cannot_be_rejected_again() -> None:
    desk = proposed()
    desk.command(RejectTicket("plan1-01w", "anna", "no"))
    assert denied(desk, RejectTicket("plan1-01w", "anna", "no")) == "TICKET_CLOSED"


def test_cancelling_a_plan_voids_its_tickets() -> None:
    desk = proposed()
    late = approval(desk, Role.WORKING)
    desk.give(CancelPlan("plan1", "anna"))
    assert desk.told(TicketVoided) == [
        TicketVoided(WORKING, "cancelled by anna"),
        TicketVoided(HEDGE, "cancelled by anna"),
    ]
    assert denied(desk, late) == "TICKET_CLOSED"


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.DISABLED, TradingState.REDUCING])
def test_an_approval_while_trading_is_stopped_sends_nothing_yet(state: TradingState) -> None:
    desk = proposed()
    desk.command(SetTradingState(state, "anna", "wait"))
    desk.approve()
    desk.quotes()
    assert desk.sent == []
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "go on"))
    assert len(desk.sent) == 1
