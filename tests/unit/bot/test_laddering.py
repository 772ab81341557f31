"""Ladders: each tranche at its own basis, a pause between two, and what is left of one comes again."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.model.events import PlanFinished, TicketRaised, TrancheFinished
from bot.model.ids import Role
from bot.model.inputs import ProposePlan
from bot.model.ladders import BasisRange, Rung, even_rungs
from bot.model.plans import PlanKind
from bot.orders.fold import apply
from bot.orders.state import BotState
from risk.approval import Denied, Purpose
from risk.direction import Action
from tests.unit.bot.desk import LONG, MBT, SHORT, XBTUSD, D, Desk, spec


def at_basis(desk: Desk, basis: int, price: int = 80_000) -> None:
    """Both books anew: what sells the linear contract and buys the inverse one takes in ``basis``, and what does the
    reverse pays 5.1 more."""
    linear = price + basis
    desk.quotes((str(price - D("0.1")), str(price)), (str(linear), str(linear + 5)))


def rung(xbt: str, least: int | None = None, most: int | None = None) -> Rung:
    ends = (None if end is None else Decimal(end) for end in (least, most))
    return Rung(D(xbt), BasisRange(*ends))


def laddered(*rungs: Rung, **changes: object) -> dict[str, object]:
    return {
        "ladder": rungs,
        "tranches": len(rungs),
        "size_xbt": sum((each.xbt for each in rungs), D(0)),
        **changes,
    }


def waiting(desk: Desk) -> str:
    return desk.market.waiting.get("plan1", "")


def fill_all(desk: Desk) -> None:
    """Fill working orders and hedges at the touch until nothing more is sent."""
    done = 0
    while len(desk.sent) > done:
        done = len(desk.sent)
        request = desk.last
        level = desk.market.quotes[request.instrument].take(request.side)
        assert level is not None
        desk.trade(level.price)
        if desk.sent[-1].order.purpose is Purpose.HEDGE and len(desk.sent) > done:
            continue
        desk.now += desk.policy.clip_pause
        for quote in list(desk.market.quotes.values()):
            desk.give(replace(quote, at=desk.now))


# --- the basis of each tranche ------------------------------------------------------------------------------


def test_a_tranche_is_asked_for_only_while_the_basis_is_in_its_range() -> None:
    desk = Desk.ready()
    at_basis(desk, 690)
    desk.propose(**laddered(rung("0.2", 700), rung("0.1", 800)))
    assert desk.tickets == {}
    assert waiting(desk) == "the next tranche wants a basis of at least 700; it is 690"
    at_basis(desk, 700)
    ticket = desk.tickets[Role.WORKING]
    assert (ticket.contracts, ticket.material.min_basis, ticket.material.max_basis) == (2, D(700), None)
    desk.approve()
    fill_all(desk)
    assert desk.state.positions[MBT.id] == -2
    assert desk.tickets == {}
    assert waiting(desk) == "the next tranche wants a basis of at least 800; it is 700"
    at_basis(desk, 805)
    ticket = desk.tickets[Role.WORKING]
    assert (ticket.contracts, ticket.material.min_basis) == (1, D(800))
    desk.approve()
    fill_all(desk)
    assert desk.status == "done"
    assert desk.state.positions[MBT.id] == -3


def test_an_approved_tranche_sends_nothing_while_the_basis_is_outside() -> None:
    desk = Desk.ready()
    desk.propose(**laddered(rung("0.3", 700)))
    at_basis(desk, 690)
    desk.approve()
    assert desk.sent == []
    at_basis(desk, 700)
    assert [request.quantity for request in desk.of(Purpose.WORK)] == [3]
    # Never below its range: the limit is the hedge's price plus 700, in whole ticks upwards.
    assert desk.last.price == D(80_700)


def test_a_range_has_two_ends() -> None:
    desk = Desk.ready()
    at_basis(desk, 900)
    desk.propose(**laddered(rung("0.3", 700, 800)))
    assert waiting(desk) == "the next tranche wants a basis from 700 to 800; it is 900"
    at_basis(desk, 750)
    assert desk.tickets[Role.WORKING].material.max_basis == D(800)


def test_the_hedge_of_the_collateral_waits_for_the_first_tranche() -> None:
    desk = Desk.ready()
    at_basis(desk, 690)
    desk.propose(**laddered(rung("0.3", 700), collateral=True))
    assert desk.tickets == {}
    at_basis(desk, 700)
    assert set(desk.tickets) == {Role.SINGLE}


def test_without_a_limit_a_tranche_has_the_basis_of_the_moment_less_the_slack() -> None:
    desk = Desk.ready()
    desk.propose(**laddered(rung("0.3")))
    assert desk.tickets[Role.WORKING].material.min_basis == D(620)  # 700 less 0.1 % of 80,000


# --- what is left of a tranche -----------------------------------------------------------------------------


def test_what_an_approval_did_not_fill_is_asked_for_again() -> None:
    desk = Desk.ready()
    desk.propose(**laddered(rung("0.3", 700), rung("0.2", 710)))
    desk.approve()
    desk.trade(quantity=1)  # one of three, hedged; then the basis leaves
    desk.trade()
    at_basis(desk, 650)
    desk.wait(299)
    at_basis(desk, 650)
    assert desk.told(TrancheFinished) == []
    desk.wait(2)
    at_basis(desk, 650)
    assert len(desk.told(TrancheFinished)) == 1
    assert desk.status == "active"
    assert desk.tickets == {}
    at_basis(desk, 705)
    again = desk.tickets[Role.WORKING]
    assert (again.contracts, again.material.min_basis, again.material.leg.tranche) == (2, D(700), 2)
    desk.approve()
    fill_all(desk)
    at_basis(desk, 710)
    assert desk.tickets[Role.WORKING].contracts == 2


def test_without_a_ladder_an_approval_that_runs_out_ends_the_plan() -> None:
    desk = Desk.ready()
    desk.propose(min_basis=D(700))
    desk.approve()
    desk.trade(quantity=0)
    at_basis(desk, 650)
    desk.wait(301)
    assert desk.status == "stopped"


def test_a_ladder_asks_again_when_nobody_answered_but_less_and_less_often() -> None:
    desk = Desk.ready()
    desk.propose(**laddered(rung("0.3", 700)))
    asked = []
    for _ in range(60):
        raised = len(desk.told(TicketRaised))
        desk.wait(60)
        at_basis(desk, 700)
        if len(desk.told(TicketRaised)) > raised:
            asked.append((desk.now - desk.events[0][1]) // timedelta(minutes=1))
    # Each dies after 5 minutes; then 10, 20, 40 minutes of peace.
    assert asked == [15, 40]
    assert desk.status == "active"
    assert "nobody answered the last 3 tickets" in waiting(desk)


def test_the_sizes_of_a_ladder_add_up_before_they_are_cut_to_lots() -> None:
    """0.15 + 0.15 XBT are three contracts: one, then two."""
    desk = Desk.ready()
    desk.propose(**laddered(rung("0.15", 600), rung("0.15", 600)))
    assert desk.tickets[Role.WORKING].contracts == 1
    desk.approve()
    fill_all(desk)
    assert desk.tickets[Role.WORKING].contracts == 2


# --- the pause ---------------------------------------------------------------------------------------------


def test_a_pause_between_two_tranches_survives_a_restart() -> None:
    desk = Desk.ready()
    desk.propose(tranches=3, pause=60.0)
    desk.approve()
    fill_all(desk)
    ended = next(at for event, at in desk.events if isinstance(event, TrancheFinished))
    over = ended + timedelta(seconds=60)
    assert waiting(desk) == f"a pause after the last tranche: the next is asked for at {over:%F %T}Z"
    state = BotState()
    for event, at in desk.events:
        apply(state, event, at)
    assert state == desk.state
    desk.state = state
    desk.wait((over - desk.now).total_seconds() - 1)
    at_basis(desk, 700)
    assert desk.tickets == {}
    desk.wait(1)
    at_basis(desk, 700)
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


# --- closing on a ladder -----------------------------------------------------------------------------------


def closing(*rungs: Rung, price: int = 80_000, **changes: object) -> Desk:
    desk = Desk.ready()
    desk.hold(96_000, -22)  # 1.2 XBT of spread, and 1 XBT of collateral hedged
    at_basis(desk, 700, price)
    desk.propose(**laddered(*rungs, kind=PlanKind.CLOSE, **changes))
    return desk


def test_a_close_takes_each_tranche_at_its_own_basis() -> None:
    desk = closing(rung("0.4", None, 300), rung("0.2", None, 100))
    assert waiting(desk) == "the next tranche wants a basis of at most 300; it is 705.1"
    at_basis(desk, 290)
    assert (desk.tickets[Role.WORKING].contracts, desk.tickets[Role.WORKING].material.max_basis) == (
        4,
        D(300),
    )
    desk.approve()
    fill_all(desk)
    assert desk.tickets == {}
    at_basis(desk, 90)
    desk.approve()
    fill_all(desk)
    assert desk.status == "done"
    assert desk.state.positions[MBT.id] == -16


@pytest.mark.parametrize("price", [72_000, 80_000, 88_000])
def test_the_last_tranche_of_a_close_of_everything_takes_all_pairs_and_leaves_the_collaterals_hedge(
    price: int,
) -> None:
    desk = closing(rung("0.4", None, 900), rung("0.2", None, 800), price=price, size_xbt=None)
    steps = 0
    while desk.status == "active":
        at_basis(desk, 700, price)
        desk.approve()
        fill_all(desk)
        desk.now += timedelta(seconds=1)
        steps += 1
        assert steps < 20
    assert desk.state.positions[XBTUSD.id] == 0
    # As much of the hedge is left as XBT stays, to the lot: what the inverse leg earned or lost is in the wallet.
    assert abs(desk.state.delta()) < MBT.terms.multiplier
    assert desk.state.positions[MBT.id] < 0


# --- what cannot be a ladder --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tranches": 3}, "2 tranches, the plan 3"),
        ({"size_xbt": D("0.4")}, "come to 0.3 XBT, the plan to 0.4"),
        ({"min_basis": D(600)}, "leave the plan's out"),
        ({"pause": -1.0}, "the pause between tranches"),
        ({"pause": float("nan")}, "the pause between tranches"),
    ],
)
def test_what_does_not_fit_together(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        spec(**laddered(rung("0.2", 700), rung("0.1", 800), **changes))


def test_a_tranche_smaller_than_a_lot() -> None:
    answer = Desk.ready().give(ProposePlan(spec(**laddered(rung("0.25"), rung("0.05")))))
    assert isinstance(answer, Denied)
    assert answer.limit == "tranche 2 of the ladder is 0.05 XBT, less than one lot of cme:MBT (0.1 XBT)"


def test_a_range_that_holds_nothing() -> None:
    with pytest.raises(ValueError, match="no basis is at least 800 and at most 700"):
        rung("0.1", 800, 700)


def test_even_rungs_step_from_one_basis_to_the_other() -> None:
    up = even_rungs(LONG, Action.OPEN, D("0.5"), 3, D("0.1"), D(400), D(600))
    assert [str(each) for each in up] == [
        "0.2 XBT at a basis of at least 400.00",
        "0.2 XBT at a basis of at least 500.00",
        "0.1 XBT at a basis of at least 600.00",
    ]
    # What takes the basis in when it opens pays it when it closes; short-inverse is the reverse.
    assert even_rungs(LONG, Action.CLOSE, D(1), 1, D("0.1"), D(40), D(0))[0].basis == BasisRange(None, D(40))
    assert even_rungs(SHORT, Action.OPEN, D(1), 1, D("0.1"), D(40), D(0))[0].basis == BasisRange(None, D(40))
    with pytest.raises(ValueError, match=r"2 lots of 0\.1 XBT: too few for 3 tranches"):
        even_rungs(LONG, Action.OPEN, D("0.2"), 3, D("0.1"), D(400), D(600))


def test_a_ladder_ends_when_its_numbers_do() -> None:
    desk = Desk.ready()
    desk.propose(**laddered(rung("0.3", 700)))
    while desk.status == "active":
        desk.wait(3_700)
        at_basis(desk, 700)
    assert desk.told(PlanFinished)[0].reason == "its 99 numbers for tranches are used up"
