"""The proof of approvals finds every way round a person, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.ledger.proof import Proof
from bot.model.differences import content_hash
from bot.model.events import (
    AccountOpened,
    Adopted,
    Event,
    FillBusted,
    FlattenOrdered,
    InstrumentLoaded,
    OrderIntended,
    TicketRaised,
    TicketVoided,
)
from bot.model.ids import Role
from risk.approval import Purpose
from risk.orders import Bust, CashFlowKind, OrderRequest, Side
from tests.unit.ledger.story import (
    HEDGE,
    HEDGE_TICKET,
    MBT,
    WORKING,
    WORKING_TICKET,
    XBTUSD,
    Chain,
    approved,
    approved_pair,
    at,
    buy_xbtusd,
    cash,
    commission,
    fill,
    intended,
    leg,
    plan_proposed,
    sell_mbt,
    ticket,
    usd,
    xbt,
)

D = Decimal


def problems(chain: Chain) -> list[str]:
    proof = Proof()
    found = [problem for recorded in chain.recorded for problem in proof.see(recorded)]
    return found + proof.unresolved()


def spread() -> Chain:
    """A tranche as it should be: sold at CME, each fill bought back, one lot too many unwound."""
    chain = approved_pair()
    chain.add(sell_mbt(), 20)
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001"), 21)
    chain.add(buy_xbtusd(1, 800), 21)
    chain.add(fill("b1", XBTUSD, Side.BUY, 300, "8000", order="plan1-01h-001", fee=xbt(10)), 22)
    chain.add(fill("b2", XBTUSD, Side.BUY, 500, "8000", order="plan1-01h-001", fee=xbt(20)), 23)
    chain.add(commission("c1", MBT, usd("2.50")), 24)
    chain.add(intended(HEDGE, 2, XBTUSD, Side.SELL, 100, "7990", Purpose.CONTINGENCY), 25)
    chain.add(fill("b3", XBTUSD, Side.SELL, 100, "7995", order="plan1-01h-002", fee=xbt(3)), 26)
    return chain


def test_a_spread_as_it_should_be_is_proved() -> None:
    assert problems(spread()) == []


def test_hedging_outlives_the_approvals_time_and_new_work_does_not() -> None:
    chain = approved_pair()
    chain.add(sell_mbt(), 899)
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001"), 2_000)
    chain.add(buy_xbtusd(), 2_000)
    assert problems(chain) == []
    chain.add(sell_mbt(2), 900)
    assert problems(chain) == [
        "event 11: order plan1-01w-002: it was sent after the approval ended, 2026-11-02T09:15:00+00:00"
    ]


def test_fills_may_exceed_the_quantity_by_no_more_than_a_lot() -> None:
    # Approved are 0.11 XBT: 880 contracts at 8,000; 900 are within a lot of it, 1,000 are not.
    chain = approved_pair()
    chain.add(buy_xbtusd(1, 900))
    chain.add(fill("b1", XBTUSD, Side.BUY, 900, "8000", order="plan1-01h-001"))
    assert problems(chain) == []
    chain.add(buy_xbtusd(2, 100))
    chain.add(fill("b2", XBTUSD, Side.BUY, 100, "8000", order="plan1-01h-002"))
    assert problems(chain) == ["event 11: fill b2 brings approval plan1-01h to 0.1250, of 0.11"]


def test_what_the_venue_takes_back_later_does_not_count_against_the_approval() -> None:
    # b1 is told only after its bust had it hedged again: 0.1 and 0.1 XBT of 0.11, and the first is taken back.
    chain = approved_pair()
    for attempt in (1, 2):
        chain.add(buy_xbtusd(attempt, 800))
    chain.add(fill("b2", XBTUSD, Side.BUY, 800, "8000", order="plan1-01h-002"))
    late = fill("b1", XBTUSD, Side.BUY, 800, "8000", order="plan1-01h-001")
    chain.add(late)
    bust = Bust("b1", XBTUSD.id, "plan1-01h-001", 1, at(0))
    chain.add(FillBusted(bust, late.fill, None, False, at(0)))
    complaint = "fill b1 brings approval plan1-01h to 0.2, of 0.11"
    assert [line.partition(": ")[2] for line in problems(chain)] == [complaint]
    proof = Proof({(XBTUSD.id.venue, "b1")})
    assert [line for recorded in chain.recorded for line in proof.see(recorded)] == []
    # From then on there is as much room as before, and no more.
    chain.add(buy_xbtusd(3, 800))
    chain.add(fill("b3", XBTUSD, Side.BUY, 800, "8000", order="plan1-01h-003"))
    told = [line for recorded in chain.recorded[-2:] for line in proof.see(recorded)]
    assert [line.partition(": ")[2] for line in told] == ["fill b3 brings approval plan1-01h to 0.2, of 0.11"]


def test_a_linear_leg_is_counted_in_contracts() -> None:
    chain = approved_pair()
    for attempt in (1, 2, 3):
        chain.add(sell_mbt(attempt))
        chain.add(fill(f"c{attempt}", MBT, Side.SELL, 1, "10000", order=f"plan1-01w-00{attempt}"))
    assert problems(chain) == ["event 13: fill c3 brings approval plan1-01w to 3, of 1"]


def test_a_purchase_below_its_limit_breaks_no_approval_and_the_next_has_no_more_room() -> None:
    # 900 contracts are 0.1125 XBT at the limit of 8,000, and 0.1286 at the 7,000 they were had for.
    chain = approved_pair()
    chain.add(buy_xbtusd(1, 900))
    chain.add(fill("b1", XBTUSD, Side.BUY, 900, "7000", order="plan1-01h-001"))
    assert problems(chain) == []
    chain.add(buy_xbtusd(2, 100))
    chain.add(fill("b2", XBTUSD, Side.BUY, 100, "7000", order="plan1-01h-002"))
    (problem,) = problems(chain)
    assert problem == "event 11: fill b2 brings approval plan1-01h to 0.1250, of 0.11"


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        (buy_xbtusd(21), "its id is none of the attempts 1 to 20 reserved for plan1-01h"),
        (buy_xbtusd(price="9000.1"), "its price 9000.1 is outside 7000 to 9000"),
        (buy_xbtusd(price="6999.9"), "its price 6999.9 is outside 7000 to 9000"),
        (buy_xbtusd(quantity=1_000), "its size 0.125 alone is more than the approved 0.11"),
        (buy_xbtusd(quantity=750), "750 at 8000 are not whole lots on a tick"),
        (buy_xbtusd(price="8000.05"), "800 at 8000.05 are not whole lots on a tick"),
        (
            intended(HEDGE, 1, XBTUSD, Side.SELL, 800, "8000", Purpose.HEDGE),
            "its side is sell, approved is buy",
        ),
        (
            intended(HEDGE, 1, XBTUSD, Side.BUY, 800, "8000", Purpose.WORK),
            "its purpose is work, approved are hedge, contingency",
        ),
        (
            intended(HEDGE, 1, MBT, Side.BUY, 1, "8000", Purpose.HEDGE),
            "it is for ibkr:MBT, approved is bitmex:XBTUSD",
        ),
        (
            intended(HEDGE, 1, XBTUSD, Side.SELL, 100, "8000", Purpose.CONTINGENCY),
            "it unwinds 100 contracts where 0 are filled and not unwound",
        ),
        (
            replace(buy_xbtusd(), approval_id="plan9-01h"),
            "no earlier approval plan9-01h",
        ),
        (
            replace(buy_xbtusd(), leg=WORKING),
            "it is of leg plan1-01w, the approval of plan1-01h",
        ),
        (
            replace(buy_xbtusd(), leg=None),
            "it belongs to no leg, and no emergency command plan1-01h came before it",
        ),
    ],
)
def test_an_order_outside_its_approval_is_named(order: OrderIntended, complaint: str) -> None:
    chain = approved_pair()
    chain.add(order)
    assert problems(chain) == [f"event 8: order {order.request.client_order_id}: {complaint}"]


def test_an_order_before_its_approval_is_named() -> None:
    chain = Chain(InstrumentLoaded(MBT), plan_proposed(), TicketRaised(WORKING_TICKET), sell_mbt())
    chain.add(approved(WORKING_TICKET, Purpose.WORK))
    assert problems(chain) == ["event 4: order plan1-01w-001: no earlier approval plan1-01w"]


def test_a_reducing_approval_takes_only_reducing_orders() -> None:
    key = leg(Role.SINGLE)
    shown = ticket(key, MBT, Side.BUY, "2", "9000", "11000", reduce_only=True)
    chain = Chain(InstrumentLoaded(MBT), TicketRaised(shown), approved(shown, Purpose.WORK))
    chain.add(intended(key, 1, MBT, Side.BUY, 1, "10000", Purpose.WORK, reduce_only=True))
    assert problems(chain) == []
    chain.add(intended(key, 2, MBT, Side.BUY, 1, "10000", Purpose.WORK))
    assert problems(chain) == [
        "event 5: order plan1-01s-002: it may open a position, approved is only to reduce one"
    ]


def test_a_contingency_goes_against_the_leg_and_no_further_than_it_filled() -> None:
    chain = approved_pair()
    chain.add(buy_xbtusd())
    chain.add(fill("b1", XBTUSD, Side.BUY, 300, "8000", order="plan1-01h-001"))
    chain.add(intended(HEDGE, 2, XBTUSD, Side.BUY, 100, "8000", Purpose.CONTINGENCY))
    chain.add(intended(HEDGE, 3, XBTUSD, Side.SELL, 300, "8000", Purpose.CONTINGENCY))
    chain.add(fill("b2", XBTUSD, Side.SELL, 300, "8000", order="plan1-01h-003"))
    chain.add(intended(HEDGE, 4, XBTUSD, Side.SELL, 100, "8000", Purpose.CONTINGENCY))
    chain.add(fill("b3", XBTUSD, Side.SELL, 100, "8000", order="plan1-01h-004"))
    assert problems(chain) == [
        "event 10: order plan1-01h-002: a contingency must trade against the approved buy",
        "event 13: order plan1-01h-004: it unwinds 100 contracts where 0 are filled and not unwound",
        "event 14: fill b3 unwinds 400 contracts, 300 were filled",
    ]


def _again(chain: Chain, event: Event) -> list[str]:
    chain.add(event, 30)
    return problems(chain)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (sell_mbt, "client order id plan1-01w-001 is in the ledger twice"),
        (
            lambda: fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001"),
            "execution ibkr c1 is in the ledger twice",
        ),
        (lambda: commission("c1", MBT, usd("2.50")), "commission ibkr c1 is in the ledger twice"),
        (lambda: commission("b1", XBTUSD, xbt(10)), "commission bitmex b1 is in the ledger twice"),
        (plan_proposed, "plan plan1 is in the ledger twice"),
    ],
)
def test_nothing_is_counted_twice(make: Callable[[], Event], complaint: str) -> None:
    found = _again(spread(), make())
    assert f"event 16: {complaint}" in found


def test_flows_and_accounts_are_met_once() -> None:
    flow = cash("d1", "bitmex", CashFlowKind.DEPOSIT, xbt(5))
    opened = AccountOpened("bitmex", xbt(5))
    chain = Chain(flow, opened, flow, opened, cash("d1", "ibkr", CashFlowKind.DEPOSIT, usd("5")))
    assert problems(chain) == [
        "event 3: cash flow bitmex d1 is in the ledger twice",
        "event 4: account bitmex is in the ledger twice",
    ]


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (
            fill("x", XBTUSD, Side.BUY, 100, "8000", order="plan1-01h-002"),
            "fill x: no order plan1-01h-002 was intended before it",
        ),
        (
            fill("x", XBTUSD, Side.SELL, 100, "8000", order="plan1-01h-001"),
            "fill x is a sell of bitmex:XBTUSD, its order buys bitmex:XBTUSD",
        ),
        (
            fill("x", MBT, Side.BUY, 1, "8000", order="plan1-01h-001"),
            "fill x is a buy of ibkr:MBT, its order buys bitmex:XBTUSD",
        ),
        (
            fill("x", XBTUSD, Side.BUY, 900, "8000", order="plan1-01h-001"),
            "fill x brings order plan1-01h-001 to 900 of 800 contracts",
        ),
        (
            replace(fill("x", XBTUSD, Side.BUY, 100, "8000", order="plan1-01h-001"), foreign=True),
            "fill x is booked as foreign, but is of our order plan1-01h-001",
        ),
    ],
)
def test_a_fill_belongs_to_its_order(event: Event, complaint: str) -> None:
    chain = approved_pair()
    chain.add(buy_xbtusd())
    chain.add(event)
    assert problems(chain) == [f"event 9: {complaint}"]


def test_foreign_fills_need_no_order() -> None:
    chain = approved_pair()
    chain.add(fill("x", XBTUSD, Side.SELL, 5_000, "8000"))
    assert problems(chain) == []


def test_a_commission_of_nothing_is_found_at_the_end() -> None:
    chain = Chain(InstrumentLoaded(MBT), commission("c1", MBT, usd("2.50")))
    assert problems(chain) == ["event 2: a commission for execution c1 at ibkr, which was never booked"]
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000"))
    assert problems(chain) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"quantity": D("0.12")}, "its quantity is not what the ticket showed"),
        ({"price_high": D("9000.5")}, "its price band is not what the ticket showed"),
        ({"price_low": D("6999.5")}, "its price band is not what the ticket showed"),
        ({"side": Side.SELL}, "its side is not what the ticket showed"),
        ({"instrument": MBT.id}, "its instrument is not what the ticket showed"),
        ({"approved_at": at(600)}, "came after the ticket's time, 2026-11-02T09:10:00+00:00"),
    ],
)
def test_an_approval_holds_no_more_than_its_ticket_showed(changes: dict[str, object], complaint: str) -> None:
    chain = Chain(InstrumentLoaded(XBTUSD), TicketRaised(HEDGE_TICKET))
    chain.add(approved(HEDGE_TICKET, Purpose.HEDGE, **changes))  # type: ignore[arg-type]
    (problem,) = problems(chain)
    assert problem.startswith("event 3: approval plan1-01h")
    assert problem.endswith(complaint)


def test_an_approval_of_other_content_or_of_no_ticket_is_named() -> None:
    approval = approved(HEDGE_TICKET, Purpose.HEDGE)
    chain = Chain(TicketRaised(HEDGE_TICKET), replace(approval, content_hash="0" * 16))
    (problem,) = problems(chain)
    assert "is of content 0000000000000000" in problem
    chain = Chain(TicketRaised(HEDGE_TICKET), TicketVoided(HEDGE, "the plan was stopped"), approval)
    assert problems(chain) == [
        "event 3: approval plan1-01h: no open ticket plan1-01h was put before a person"
    ]


def test_reserved_ids_are_reserved_once() -> None:
    chain = Chain(TicketRaised(HEDGE_TICKET), approved(HEDGE_TICKET, Purpose.HEDGE, first=1, last=20))
    chain.add(TicketRaised(HEDGE_TICKET))
    chain.add(approved(HEDGE_TICKET, Purpose.HEDGE, first=20, last=40, approval_id="second"))
    assert problems(chain) == ["event 4: approval second reserves order ids of plan1-01h again"]


def _flatten_order(number: int, purpose: Purpose = Purpose.FLATTEN) -> OrderIntended:
    request = OrderRequest(f"flat-x7-{number:03d}", XBTUSD.id, Side.SELL, 800, D("7900"), reduce_only=True)
    return OrderIntended(request, purpose, "x7", None)


def test_the_emergency_command_is_the_envelope_of_its_orders() -> None:
    chain = Chain(InstrumentLoaded(XBTUSD), FlattenOrdered("x7", "anna", ("bitmex",)), _flatten_order(1))
    chain.add(fill("b1", XBTUSD, Side.SELL, 800, "7900", order="flat-x7-001"))
    assert problems(chain) == []
    chain.add(_flatten_order(2, Purpose.WORK))
    elsewhere = _flatten_order(3)
    chain.add(replace(elsewhere, request=replace(elsewhere.request, instrument=MBT.id)))
    renamed = _flatten_order(4)
    chain.add(replace(renamed, request=replace(renamed.request, client_order_id="plan1-01h-001")))
    assert problems(chain) == [
        "event 5: order flat-x7-002: its purpose is work, under an emergency command",
        "event 6: order flat-x7-003: the emergency command is for bitmex, not ibkr:MBT",
        "event 7: order plan1-01h-001: its id does not carry the emergency command's, x7",
    ]


def adoption(**changes: object) -> Adopted:
    lines = ("bitmex:XBTUSD: the venue holds 100 contracts, the ledger 0",)
    whole = Adopted(content_hash(lines), "anna", "mine", lines, (), (), (), (), (), ())
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_an_adoption_names_a_person_a_reason_and_what_was_seen() -> None:
    assert problems(Chain(adoption())) == []
    assert problems(Chain(adoption(by=""))) == ["event 1: an adoption without a person or a reason"]
    assert problems(Chain(adoption(reason=""))) == ["event 1: an adoption without a person or a reason"]
    for altered in (
        adoption(differences=("another",)),
        adoption(content_hash="0" * 16),
        adoption(differences=()),
    ):
        assert "of other differences than were shown" in problems(Chain(altered))[0]
    assert problems(Chain(adoption(written_off=("plan9-01w-001",)))) == [
        "event 1: an adoption by anna settles order plan9-01w-001, which was never intended"
    ]
