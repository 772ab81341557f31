"""Exits: stop, trailing stop, inversion stop and profit target, on the basis that closing would trade at."""

from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.venue import HoursAnnounced, LinkState
from bot.model.events import (
    Alerted,
    ExitBest,
    ExitEnded,
    ExitRearmed,
    ExitTripped,
    PlanProposed,
    TicketRaised,
)
from bot.model.exits import Exit, ExitRule, tripped
from bot.model.ids import Role
from bot.model.inputs import CancelPlan, Command, ProposePlan, RejectTicket, SetExit, SetTradingState
from bot.model.plans import PlanKind
from bot.model.trading_state import TradingState
from bot.orders.fold import apply
from bot.orders.market import Market
from bot.orders.state import BotState
from risk.approval import Denied
from risk.orders import Side
from risk.sessions import Span, TradingHours
from tests.unit.bot.desk import LONG, MBT, SHORT, XBTUSD, D, Desk, spec
from tests.unit.bot.test_laddering import fill_all, laddered, rung


def at(desk: Desk, basis: int | str, price: int = 80_000) -> None:
    """Both books anew: closing long-inverse (buy the linear ask, sell the inverse bid) trades at ``basis``; closing
    short-inverse at 5.1 below it."""
    ask = Decimal(price) + D(str(basis))
    size = 1_000_000 + round(desk.now.timestamp() * 10) % 1_000  # a book that never changes counts as frozen
    desk.quote(XBTUSD, str(price), str(price + D("0.1")), size)
    desk.quote(MBT, str(ask - 5), str(ask), size)


def stay(desk: Desk, basis: int, seconds: int = 12) -> None:
    """Quotes that say the same, every second."""
    for _ in range(seconds):
        desk.wait(1)
        at(desk, basis)


def opened(rules: Exit | None, direction: object = LONG, price: int = 80_500, **changes: object) -> Desk:
    """0.3 XBT opened at a basis of 700, to be taken down by ``rules``. A little above the later price, so that the
    inverse leg is worth no less than the linear one then."""
    desk = Desk.ready()
    at(desk, 705, price)
    desk.propose(exit=rules, direction=direction, **changes)
    play(desk, 705, price)
    assert desk.status == "done"
    return desk


def play(desk: Desk, basis: int, price: int = 80_000, seconds: int = 60) -> None:
    """Approve and fill everything at these books, until the latest plan has ended."""
    for _ in range(seconds):
        if desk.status != "active":
            return
        desk.approve()
        fill_all(desk)
        desk.now += timedelta(seconds=1)
        at(desk, basis, price)
    raise AssertionError("the plan does not end")


def closings(desk: Desk) -> list[str]:
    return [event.spec.plan_id for event in desk.told(PlanProposed) if event.spec.kind is PlanKind.CLOSE]


def refusal(desk: Desk, command: Command) -> str:
    answer = desk.give(command)
    assert isinstance(answer, Denied)
    return answer.limit


# --- the rules -------------------------------------------------------------------------------------------------

EVERY = Exit(stop=D(800), trail=D(50), inversion=True, profit=D(100))


@pytest.mark.parametrize(
    ("basis", "best", "rule"),
    [
        (799, 760, None),
        (800, 760, ExitRule.STOP),
        (809, 760, ExitRule.STOP),
        (750, 700, ExitRule.TRAIL),
        (749, 700, None),
        (750, None, None),
        (101, 101, None),
        (100, 100, ExitRule.PROFIT),
        (0, 0, ExitRule.PROFIT),
        (-1, 0, ExitRule.INVERSION),
    ],
)
def test_what_trips_a_long_inverse_spread(basis: int, best: int | None, rule: ExitRule | None) -> None:
    best_ = None if best is None else D(best)
    assert tripped(EVERY, LONG, D(basis), best_) is rule
    # Short-inverse is its mirror image: it holds what loses when the basis falls.
    mirrored = Exit(stop=D(-800), trail=D(50), inversion=True, profit=D(-100))
    assert tripped(mirrored, SHORT, D(-basis), None if best is None else D(-best)) is rule


# --- a stop ---------------------------------------------------------------------------------------------------


def test_a_stop_proposes_a_plan_that_closes_and_sends_nothing() -> None:
    desk = opened(Exit(stop=D(800)))
    sent = len(desk.sent)
    stay(desk, 799)
    assert desk.told(ExitTripped) == []
    stay(desk, 800, 10)
    assert desk.told(ExitTripped) == []
    stay(desk, 800, 1)
    assert desk.told(ExitTripped) == [ExitTripped("plan1", ExitRule.STOP, D(800))]
    assert closings(desk) == ["plan1x1"]
    working, hedge = desk.tickets[Role.WORKING], desk.tickets[Role.HEDGE]
    assert (working.material.side, working.contracts, working.material.reduce_only) == (Side.BUY, 3, True)
    assert hedge.material.side is Side.SELL
    # The slack of a plan without a limit: 0.1 % of the price, in whole dollars upwards.
    assert working.material.max_basis == D(880)
    assert len(desk.sent) == sent
    play(desk, 800)
    assert (desk.state.positions[MBT.id], desk.state.positions[XBTUSD.id]) == (0, 0)
    stay(desk, 800, 1)
    assert desk.state.exits == {}
    assert desk.told(ExitEnded)[0].plan_id == "plan1"


def test_one_bad_tick_does_nothing() -> None:
    desk = opened(Exit(stop=D(800)))
    at(desk, 5_000)
    for _ in range(30):
        stay(desk, 700, 9)
        desk.now += timedelta(seconds=1)
        at(desk, 5_000)
    assert desk.told(ExitTripped) == []


def test_a_bad_tick_that_stands_needs_the_other_quotes_too() -> None:
    """Time alone confirms nothing: each leg's quote must have been told three times."""
    desk = opened(Exit(stop=D(800)))
    desk.now += timedelta(seconds=1)
    at(desk, 900)
    for _ in range(15):  # only the inverse book goes on
        desk.now += timedelta(seconds=0.3)
        desk.quote(XBTUSD, "79999.9", "80000")
    desk.now += timedelta(seconds=1)
    at(desk, 700)
    desk.wait(30, ticks=30)
    assert desk.told(ExitTripped) == []


def test_stale_quotes_trip_nothing() -> None:
    desk = opened(Exit(stop=D(800)))
    stay(desk, 900, 5)
    desk.wait(60, ticks=60)
    assert desk.told(ExitTripped) == []
    stay(desk, 900, 10)
    assert desk.told(ExitTripped) == []  # it is counted from anew
    stay(desk, 900, 1)
    assert len(desk.told(ExitTripped)) == 1


def test_a_lost_link_trips_nothing() -> None:
    desk = opened(Exit(stop=D(800)))
    desk.link("cme", LinkState.DOWN)
    stay(desk, 900, 30)
    assert desk.told(ExitTripped) == []


def test_a_clock_set_back_confirms_nothing() -> None:
    desk = opened(Exit(stop=D(800)))
    stay(desk, 900, 5)
    desk.now -= timedelta(hours=1)
    stay(desk, 900, 8)
    assert desk.told(ExitTripped) == []
    stay(desk, 900, 4)
    assert len(desk.told(ExitTripped)) == 1


def test_what_has_tripped_stays_so_when_the_basis_comes_back() -> None:
    desk = opened(Exit(stop=D(800)))
    stay(desk, 800)
    stay(desk, 700, 30)
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_short_inverse_is_stopped_by_a_basis_that_falls() -> None:
    desk = opened(Exit(stop=D(600)), SHORT)
    stay(desk, 606)  # closing sells the linear bid and buys the inverse ask: 5.1 less
    assert desk.told(ExitTripped) == []
    stay(desk, 605)
    assert desk.told(ExitTripped) == [ExitTripped("plan1", ExitRule.STOP, D("599.9"))]
    assert desk.tickets[Role.WORKING].material.side is Side.SELL


# --- a trailing stop ------------------------------------------------------------------------------------------


def test_a_trailing_stop_follows_the_best_basis_and_not_a_tick() -> None:
    desk = opened(Exit(trail=D(100)), price=80_000)
    stay(desk, 700)
    stay(desk, 405)
    at(desk, 10)
    stay(desk, 405)
    assert [event.basis for event in desk.told(ExitBest)] == [D(705), D(405)]
    stay(desk, 504)
    assert desk.told(ExitTripped) == []
    stay(desk, 505)
    assert desk.told(ExitTripped) == [ExitTripped("plan1", ExitRule.TRAIL, D(505))]


def test_the_best_is_the_worst_of_what_was_seen_meanwhile() -> None:
    desk = opened(Exit(trail=D(100)), price=80_000)
    stay(desk, 705)
    for basis in (600, 560, 520, 580, 540, 500, 500, 500, 500, 500, 500):
        stay(desk, basis, 1)
    assert desk.told(ExitBest)[-1].basis == D(600)


def test_small_steps_are_not_written_down() -> None:
    desk = opened(Exit(trail=D(100)), price=80_000)
    stay(desk, 705)
    for basis in range(705, 695, -1):
        stay(desk, basis)
    assert [event.basis for event in desk.told(ExitBest)] == [D(705)]
    stay(desk, 695)
    assert [event.basis for event in desk.told(ExitBest)] == [D(705), D(695)]


def restarted(desk: Desk) -> None:
    """The state from the events alone, and a market nobody knows yet but for links and hours."""
    state, old = BotState(), desk.market
    for event, when in desk.events:
        apply(state, event, when)
    assert state == desk.state
    desk.state, desk.market = state, Market()
    desk.market.hours, desk.market.links, desk.market.up_since = old.hours, old.links, old.up_since
    desk.market.reconciled = True


def test_a_restart_keeps_the_best() -> None:
    desk = opened(Exit(trail=D(100)), price=80_000)
    stay(desk, 705)
    stay(desk, 405)
    restarted(desk)
    stay(desk, 505)
    assert desk.told(ExitTripped) == [ExitTripped("plan1", ExitRule.TRAIL, D(505))]


def test_a_restart_keeps_what_has_tripped() -> None:
    desk = opened(Exit(stop=D(800)))
    stay(desk, 800)
    proposed = next(n for n, (event, _) in enumerate(desk.events) if isinstance(event, ExitTripped))
    del desk.events[proposed + 1 :]  # the process died before the plan was on the disk
    desk.state = BotState()
    for event, when in desk.events:
        apply(desk.state, event, when)
    stay(desk, 700, 2)
    assert closings(desk) == ["plan1x1"]


# --- inversion and profit -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("direction", "still", "over"), [(LONG, 0, -1), (SHORT, 5, 6)])
def test_an_inverted_basis_works_against_the_position(direction: object, still: int, over: int) -> None:
    desk = Desk.ready()
    basis = 705 if direction is LONG else -695
    at(desk, basis)
    desk.propose(exit=Exit(inversion=True), direction=direction)
    play(desk, basis)
    stay(desk, still)
    assert desk.told(ExitTripped) == []
    stay(desk, over)
    assert [event.rule for event in desk.told(ExitTripped)] == [ExitRule.INVERSION]


def test_a_profit_is_taken_at_its_basis_or_better() -> None:
    desk = opened(Exit(profit=D(300)))
    stay(desk, 290)
    assert desk.tickets[Role.WORKING].material.max_basis == D(300)
    desk.approve()
    fill_all(desk)
    stay(desk, 290, 2)
    assert desk.state.positions[MBT.id] == 0


def test_a_target_that_was_missed_is_watched_again() -> None:
    desk = opened(Exit(profit=D(300), stop=D(800)))
    stay(desk, 290)
    stay(desk, 400, 320)
    assert [event.plan_id for event in desk.told(ExitRearmed)] == ["plan1"]
    assert closings(desk) == ["plan1x1"]
    stay(desk, 290, 30)
    assert closings(desk) == ["plan1x1"]  # not at once again
    stay(desk, 400, 60)
    stay(desk, 290)
    assert closings(desk) == ["plan1x1", "plan1x2"]
    stay(desk, 400, 320)
    stay(desk, 810)  # and a stop is kept waiting by none of that
    assert closings(desk) == ["plan1x1", "plan1x2", "plan1x3"]


# --- people ---------------------------------------------------------------------------------------------------


def test_nobody_answers_it_is_asked_again_and_said_again() -> None:
    desk = opened(Exit(stop=D(800)))
    stay(desk, 800, 3_600)
    told = [event.text for event in desk.told(Alerted) if event.code == "EXIT_TRIPPED"]
    assert told[0].startswith("plan plan1: its stop has tripped")
    # After 1, 5, 15, 45 minutes.
    assert len(told) == 5
    assert all("STILL not closed" in text for text in told[1:])
    assert "waits for your approval" in told[1]
    # Each plan's tickets live 5 minutes, then 1, 2, 4, 8, 16 of peace.
    assert closings(desk) == [f"plan1x{number}" for number in range(1, 7)]
    raised = [ticket for ticket in desk.told(TicketRaised) if ticket.ticket.material.leg.plan_id == "plan1x6"]
    assert len(raised) == 2


def test_a_halt_is_named_in_the_reminder() -> None:
    desk = opened(Exit(stop=D(800)))
    desk.command(SetTradingState(TradingState.HALTED, "anna", "x"))
    stay(desk, 800, 80)
    assert "trading is halted" in desk.told(Alerted)[-1].text
    assert desk.tickets == {}


@pytest.mark.parametrize("how", ["reject", "cancel"])
def test_who_says_no_takes_the_exit_off(how: str) -> None:
    desk = opened(Exit(stop=D(800)))
    stay(desk, 800)
    if how == "reject":
        answer = desk.command(RejectTicket(desk.tickets[Role.HEDGE].ticket_id, "anna", "it will come back"))
    else:
        answer = desk.command(CancelPlan("plan1x1", "anna"))
    assert "the exit of plan plan1 is off" in answer.text
    assert desk.state.exits == {}
    stay(desk, 800, 600)
    assert closings(desk) == ["plan1x1"]
    desk.command(SetExit("plan1", Exit(stop=D(900)), "anna"))
    stay(desk, 900)
    assert closings(desk) == ["plan1x1", "plan1x2"]


def test_an_exit_can_be_set_moved_and_taken_off_later() -> None:
    desk = opened(None)
    desk.command(SetExit("plan1", Exit(stop=D(800), trail=D(200)), "anna"))
    stay(desk, 650, 24)
    desk.command(SetExit("plan1", Exit(stop=D(900), trail=D(150)), "anna"))
    assert desk.state.exits["plan1"].best == D(650)  # it trails from where it was
    stay(desk, 799)
    assert desk.told(ExitTripped) == []
    desk.command(SetExit("plan1", None, "anna"))
    stay(desk, 950)
    assert desk.told(ExitTripped) == []
    assert "plan1 has no exit" in refusal(desk, SetExit("plan1", None, "anna"))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (Exit(stop=D(700)), "at a basis of 705 its stop would close at once"),
        (Exit(profit=D(705)), "its profit target would close at once"),
        (
            Exit(stop=D(600), profit=D(650)),
            "the stop must lie above the profit target, not 600 to 650: a long-inverse spread loses while",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: Exit, words: str) -> None:
    desk = opened(None)
    at(desk, 705)
    assert words in refusal(desk, SetExit("plan1", rules, "anna"))


def test_with_the_plan_they_are_held_against_where_it_opens() -> None:
    desk = Desk.ready()
    answer = desk.give(
        ProposePlan(spec(**laddered(rung("0.2", 700), rung("0.1", 800)), exit=Exit(stop=D(790))))
    )
    assert isinstance(answer, Denied)
    assert "at a basis of 800 its stop would close at once" in answer.limit


def test_what_an_exit_cannot_be_of() -> None:
    desk = opened(None)
    assert (
        refusal(desk, SetExit("plan9", Exit(stop=D(800)), "anna"))
        == "a plan that exists (see: basisbot plan list)"
    )
    desk.propose(plan_id="plan2", kind=PlanKind.CLOSE, size_xbt=None)
    assert "an exit belongs to a plan that opens" in refusal(
        desk, SetExit("plan2", Exit(stop=D(800)), "anna")
    )
    play(desk, 700)
    assert "is held any more" in refusal(desk, SetExit("plan1", Exit(stop=D(800)), "anna"))


# --- what else is going on -------------------------------------------------------------------------------------


def test_a_stop_ends_the_ladder_that_still_opens() -> None:
    desk = Desk.ready()
    at(desk, 705, 80_500)
    desk.propose(**laddered(rung("0.2", 690), rung("0.2", 750)), exit=Exit(stop=D(900)))
    desk.approve()
    fill_all(desk)
    stay(desk, 740, 2)
    assert desk.status == "active"
    stay(desk, 950)
    assert desk.state.plans["plan1"].status == "stopped"
    assert "stop of plan plan1 has tripped" in desk.state.plans["plan1"].reason
    stay(desk, 950, 1)
    assert desk.tickets[Role.WORKING].contracts == 2
    assert desk.tickets[Role.WORKING].material.leg.plan_id == "plan1x1"


def test_a_stop_takes_the_place_of_a_close_that_waits_for_its_basis() -> None:
    desk = opened(Exit(stop=D(900)))
    desk.propose(**laddered(rung("0.3", None, 100), kind=PlanKind.CLOSE, plan_id="plan2"))
    stay(desk, 950)
    stay(desk, 950, 1)
    assert desk.state.plans["plan2"].status == "stopped"
    assert closings(desk) == ["plan2", "plan1x1"]


def test_a_close_that_is_under_way_already_is_left_alone() -> None:
    desk = opened(Exit(stop=D(900)))
    desk.propose(plan_id="plan2", kind=PlanKind.CLOSE, size_xbt=None)
    stay(desk, 950, 80)
    assert desk.state.plans["plan2"].status == "active"
    assert "plan plan2 is still active" in desk.told(Alerted)[-1].text


def test_it_closes_what_its_own_plan_opened() -> None:
    desk = opened(None)
    at(desk, 705)
    desk.propose(plan_id="plan2", size_xbt=D("0.5"), exit=Exit(stop=D(800)))
    play(desk, 705)
    assert desk.state.positions[MBT.id] == -8
    stay(desk, 800)
    assert desk.tickets[Role.WORKING].contracts == 5
    play(desk, 800)
    stay(desk, 800, 1)
    assert desk.state.positions[MBT.id] == -3
    assert desk.state.exits == {}


@pytest.mark.parametrize("price", [72_000, 80_000, 88_000])
def test_as_much_of_the_collaterals_hedge_stays_as_xbt_does(price: int) -> None:
    desk = opened(Exit(stop=D(2_000)), collateral=True, size_xbt=D("1.2"))
    assert desk.state.positions[MBT.id] == -22
    for _ in range(12):
        desk.now += timedelta(seconds=1)
        at(desk, 2_000, price)
    assert desk.state.exits["plan1"].tripped is ExitRule.STOP
    play(desk, 2_000, price)
    desk.wait(1)
    assert desk.state.positions[XBTUSD.id] == 0
    assert abs(desk.state.delta()) < MBT.terms.multiplier
    assert desk.state.exits == {}


def test_nobody_watches_while_there_are_no_quotes_and_that_is_said() -> None:
    desk = opened(Exit(stop=D(800)))
    desk.wait(110, ticks=11)
    assert "EXIT_BLIND" not in desk.alerts
    desk.wait(20, ticks=2)
    assert "EXIT_BLIND" in desk.alerts


def test_a_closed_market_is_no_blindness() -> None:
    desk = opened(Exit(stop=D(800)))
    day = timedelta(days=1)
    hours = TradingHours.of([Span(desk.now - day, desk.now)], Span(desk.now - day, desk.now + day))
    desk.give(HoursAnnounced(MBT.id, hours))
    desk.wait(3_600, ticks=60)
    assert "EXIT_BLIND" not in desk.alerts
