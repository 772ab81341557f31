"""Rows of the projections: every column told, statuses that follow the events."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Table, select

from bot.ledger.database import scratch
from bot.ledger.journal import Journal
from bot.ledger.projections import Change, Insert, Update, project
from bot.ledger.store import apply
from bot.ledger.tables import (
    APPROVAL,
    CASH_FLOW,
    FILL,
    ORDER,
    PLAN,
    POSTING,
    PROJECTIONS,
    TICKET,
    Exact,
    Units,
)
from bot.model.events import (
    FlattenOrdered,
    OrderBelieved,
    PlanFinished,
    PlanStopping,
    StandingGranted,
    StandingRevoked,
    TicketExpired,
    TicketRaised,
    TicketRejected,
    TicketVoided,
)
from bot.model.order_states import Belief
from bot.model.plans import PlanStatus
from bot.model.transfers import (
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferMatched,
    TransferRecorded,
)
from risk.orders import CashFlowKind, Side
from tests.unit.ledger.story import (
    HEDGE,
    HEDGE_TICKET,
    MBT,
    WORKING,
    WORKING_TICKET,
    XBTUSD,
    Chain,
    approved_pair,
    at,
    buy_xbtusd,
    cash,
    commission,
    fill,
    plan_proposed,
    sell_mbt,
    standing,
    usd,
    xbt,
)

D = Decimal


def rows(chain: Chain, table: Table) -> list[dict[str, Any]]:
    """What the chain projects into ``table``."""
    journal = Journal()
    changes: list[Change] = []
    for recorded in chain.recorded:
        changes += project(recorded, journal.post(recorded))
    with scratch() as connection:
        apply(connection, changes)
        return [dict(row._mapping) for row in connection.execute(select(table).order_by(table.c.seq))]


def whole_story() -> Chain:
    chain = approved_pair()
    chain.add(sell_mbt(), 20)
    chain.add(OrderBelieved("plan1-01w-001", Belief.LIVE, "v7", 0, ""), 20)
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=21), 21)
    chain.add(OrderBelieved("plan1-01w-001", Belief.FILLED, "v7", 1, "done"), 21)
    chain.add(buy_xbtusd(), 21)
    chain.add(fill("b1", XBTUSD, Side.BUY, 800, "8000.5", order="plan1-01h-001", fee=xbt(-9)), 22)
    chain.add(commission("c1", MBT, usd("2.5")), 23)
    chain.add(cash("f1", "bitmex", CashFlowKind.FUNDING, xbt(-5), XBTUSD), 24)
    chain.add(FlattenOrdered("x7", "anna", ("bitmex", "ibkr")), 25)
    return chain


def test_every_insert_tells_every_column() -> None:
    journal = Journal()
    seen = set()
    chain = whole_story()
    chain.add(TransferRecorded("t1", xbt(500), "outside", "bitmex", "anna", "topped up"))
    chain.add(cash("d1", "bitmex", CashFlowKind.DEPOSIT, xbt(499)))
    chain.add(TransferMatched("t1", "bitmex", "d1", xbt(499), "basisbot"))
    chain.add(TransferDone("t1", xbt(0), "outside", xbt(1), "anna", "the network's fee"))
    chain.add(TransferRecorded("t2", xbt(7), "outside", "bitmex", "anna", "a mistake"))
    chain.add(TransferCancelled("t2", xbt(7), "outside", "anna", "never sent"))
    chain.add(
        ConversionRecorded("c1", usd("40000"), xbt(50_000_000), usd("20"), usd("40020"), "anna", "bought")
    )
    chain.add(StandingGranted(standing()))
    chain.add(StandingRevoked("s1", "anna", "enough"))
    for recorded in chain.recorded:
        for change in project(recorded, journal.post(recorded)):
            columns = set(change.table.columns.keys())
            if isinstance(change, Insert):
                assert set(change.values) == columns
                assert change.values["seq"] == recorded.seq
                seen.add(change.table.name)
            else:
                assert set(change.values) | set(change.where) <= columns
    assert seen == {table.name for table in PROJECTIONS}


def test_an_order_shows_the_latest_belief() -> None:
    working, hedge = rows(whole_story(), ORDER)
    assert (working["client_order_id"], working["belief"], working["belief_seq"]) == (
        "plan1-01w-001",
        "filled",
        11,
    )
    assert (working["venue_order_id"], working["detail"], working["price"]) == ("v7", "done", D(10_000))
    assert (hedge["seq"], hedge["belief"], hedge["belief_seq"], hedge["leg"]) == (
        12,
        "intended",
        12,
        "plan1-01h",
    )
    assert (hedge["venue"], hedge["symbol"], hedge["quantity"], hedge["purpose"]) == (
        "bitmex",
        "XBTUSD",
        800,
        "hedge",
    )


def test_a_fee_that_comes_later_reaches_its_fill() -> None:
    later, at_once = rows(whole_story(), FILL)
    assert (later["execution_id"], later["fee_currency"], later["fee_units"], later["fee_seq"]) == (
        "c1",
        "USD",
        250_000_000,
        14,
    )
    assert (at_once["fee_currency"], at_once["fee_units"], at_once["fee_seq"]) == ("XBT", -9, 13)
    assert (at_once["price"], at_once["heard_at"], at_once["foreign"]) == (D("8000.5"), at(0), 0)


def test_a_second_commission_changes_no_fill() -> None:
    chain = whole_story()
    before = rows(chain, FILL)
    chain.add(commission("c1", MBT, usd("9")))
    chain.add(commission("b1", XBTUSD, xbt(99)))
    assert rows(chain, FILL) == before


@pytest.mark.parametrize(
    ("event", "status", "by", "reason"),
    [
        (TicketRejected(HEDGE, "ben", "too dear"), "rejected", "ben", "too dear"),
        (TicketExpired(HEDGE), "expired", "", ""),
        (TicketVoided(HEDGE, "the plan was stopped"), "void", "", "the plan was stopped"),
    ],
)
def test_a_ticket_shows_what_became_of_it(
    event: TicketRejected | TicketExpired | TicketVoided, status: str, by: str, reason: str
) -> None:
    chain = Chain(TicketRaised(WORKING_TICKET), TicketRaised(HEDGE_TICKET), event, TicketRaised(HEDGE_TICKET))
    working, hedge, again = rows(chain, TICKET)
    assert (working["status"], working["status_seq"]) == ("open", 1)
    assert (hedge["status"], hedge["status_seq"], hedge["decided_by"], hedge["reason"]) == (
        status,
        3,
        by,
        reason,
    )
    # The same leg raised again is another ticket, and what is decided is the one that is open.
    assert (again["status"], again["status_seq"]) == ("open", 4)
    chain.add(TicketRejected(HEDGE, "carla", "not now"))
    assert [row["status_seq"] for row in rows(chain, TICKET)] == [1, 3, 5]


def test_approvals_of_tickets_and_of_the_emergency_command() -> None:
    working, hedge, emergency = rows(whole_story(), APPROVAL)
    assert (working["approval_id"], working["leg"], working["purposes"]) == (
        str(WORKING),
        str(WORKING),
        "work,contingency",
    )
    assert (hedge["quantity"], hedge["price_low"], hedge["first_attempt"], hedge["last_attempt"]) == (
        D("0.11"),
        D(7_000),
        1,
        20,
    )
    assert (emergency["approval_id"], emergency["venue"], emergency["purposes"], emergency["side"]) == (
        "x7",
        "bitmex,ibkr",
        "flatten",
        None,
    )
    assert [row["status"] for row in rows(whole_story(), TICKET)] == ["approved", "approved"]


def test_a_plan_shows_that_it_is_stopping_and_how_it_ended() -> None:
    chain = Chain(plan_proposed(), plan_proposed("plan2"), PlanStopping("plan1", "cancelled by anna"))
    plan, other = rows(chain, PLAN)
    assert (plan["status"], plan["status_seq"], plan["reason"]) == ("active", 3, "cancelled by anna")
    assert (other["status_seq"], other["reason"], other["size_xbt"]) == (2, "", D("0.2"))
    chain.add(PlanFinished("plan1", PlanStatus.STOPPED, "cancelled by anna"))
    assert rows(chain, PLAN)[0]["status"] == "stopped"


def test_cash_flows_and_postings() -> None:
    (flow,) = rows(whole_story(), CASH_FLOW)
    assert (flow["flow_id"], flow["kind"], flow["currency"], flow["units"], flow["symbol"]) == (
        "f1",
        "funding",
        "XBT",
        -5,
        "XBTUSD",
    )
    lines = [row for row in rows(whole_story(), POSTING) if row["seq"] == 15]
    assert [(row["line"], row["account"], row["units"]) for row in lines] == [
        (1, "assets:bitmex:cash", -5),
        (2, "income:funding:bitmex", 5),
    ]


def test_changes_of_one_table_keep_their_order() -> None:
    chain = Chain(TicketRaised(HEDGE_TICKET), TicketExpired(HEDGE))
    changes = [change for recorded in chain.recorded for change in project(recorded, [])]
    assert [type(change) for change in changes] == [Insert, Update]
    assert rows(chain, TICKET)[0]["status"] == "expired"


@pytest.mark.parametrize("value", [1.5, True, "1", D(1)])
def test_money_that_is_no_integer_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="integer units"):
        Units().process_bind_param(value, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.5, 1, "1"])
def test_a_number_that_is_no_decimal_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="from a Decimal"):
        Exact().process_bind_param(value, None)  # type: ignore[arg-type]


def test_the_database_itself_refuses_a_float() -> None:
    with scratch() as connection:
        with pytest.raises(Exception, match="cannot store REAL value in INTEGER column"):
            connection.exec_driver_sql("INSERT INTO posting VALUES (1, 1, 'a', 'XBT', 0.5)")
        types = {
            row[2]
            for table in PROJECTIONS
            for row in connection.exec_driver_sql(f'PRAGMA table_info("{table}")')
        }
    assert types == {"INTEGER", "TEXT"}
