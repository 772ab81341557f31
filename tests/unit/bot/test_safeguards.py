"""What a review broke, held: each of these once lost money on paper."""

from dataclasses import replace

from adapters.venue import LinkState
from bot.model.events import FlattenFinished, FlattenOrdered, TradingStateChanged
from bot.model.ids import Role
from bot.model.inputs import (
    AdoptJournal,
    Compared,
    MeetAccount,
    SetTradingState,
    SpendAttempts,
    SubmitRefused,
)
from bot.model.plans import PlanKind, PlanStatus
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.money import Currency, Money
from risk.orders import Fill, OrderStatus, Side
from tests.unit.bot.desk import MBT, SHORT, XBTUSD, D, Desk, account


def filled() -> Desk:
    """0.3 XBT sold at CME, its hedge on the way."""
    desk = Desk.ready().armed()
    desk.trade()
    return desk


def test_what_never_met_the_market_costs_no_rung() -> None:
    desk = filled()
    for _ in range(12):
        late = desk.last.client_order_id
        desk.give(SubmitRefused(late, "BUDGET", "our own rate budget", reached_venue=False))
        desk.wait(0.6)
        desk.quotes()
    assert len(desk.of(Purpose.HEDGE)) == 13
    assert not desk.of(Purpose.CONTINGENCY)
    assert {request.price for request in desk.of(Purpose.HEDGE)} == {
        D("80040.0")
    }  # 80,000 and 0.05 %, always


def test_progress_is_no_failure() -> None:
    """Seven hedges in a row fill a little each: more than the ladder has rungs, and nothing is unwound."""
    desk = filled()
    for _ in range(7):
        desk.trade("80000", 2_000)
    assert len(desk.of(Purpose.HEDGE)) == 8
    assert not desk.of(Purpose.CONTINGENCY)


def test_a_dead_link_burns_no_ids() -> None:
    desk = filled()
    desk.link("bitmex", LinkState.DOWN)
    desk.refuse()
    before = desk.plan.tranches[0].legs[Role.HEDGE].attempts_left
    desk.wait(5, ticks=50)
    assert desk.plan.tranches[0].legs[Role.HEDGE].attempts_left == before


def test_a_foreign_fill_halts_until_a_person_has_looked() -> None:
    desk = Desk.ready().armed(size_xbt=D(1))
    desk.trade()
    desk.trade("80000")
    sent = len(desk.sent)
    taken = Fill(
        "adl1", XBTUSD.id, None, "venue", Side.SELL, 40_000, D(80_000), desk.now, Money(Currency.XBT, 0)
    )
    desk.give(taken)
    desk.give(Compared(()))
    desk.wait(1)
    desk.quotes()
    assert len(desk.sent) == sent
    assert desk.told(TradingStateChanged)[-1].state is TradingState.HALTED
    assert desk.state.positions[XBTUSD.id] == 0
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "seen"))
    assert len(desk.sent) == sent + 1


def test_no_equity_no_tickets() -> None:
    desk = Desk.ready()
    desk.give(MeetAccount(replace(account("bitmex"), equity=Money.of(Currency.XBT, D("-0.1")))))
    desk.propose()
    assert not desk.tickets
    assert "equity" in desk.plan.stopping


def test_an_absurd_price_is_no_price() -> None:
    desk = Desk.ready(wallet="1")
    desk.propose(collateral=True)
    desk.quote(MBT, "60000", "80705")
    desk.approve()
    assert not desk.sent
    assert desk.alerts == ["ORDER_DENIED"]


def test_nothing_is_worked_that_could_not_be_hedged_inside_the_approved_prices() -> None:
    desk = Desk.ready()
    desk.propose(min_basis=D(100))
    # 84,100 is inside the hedge's band of 5 %, 84,100 and the hard band of 0.5 % is not.
    desk.quotes(("84099.9", "84100"), ("84700", "84705"))
    desk.approve()
    assert not desk.sent


def test_closing_after_a_rise_ends_in_order() -> None:
    """2 XBT a side opened at 80,000; at 80,320 the inverse contracts are worth less than their partners."""
    desk = Desk.ready(wallet="10")
    desk.hold(inverse=160_000, linear=-20, price="80000")
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=True)
    desk.wait(60)
    desk.quotes(("80319.9", "80320"), ("80400", "80405"))
    for _ in range(200):
        if desk.tickets:
            desk.approve()
        if desk.sent and not desk.order(desk.last.client_order_id).is_settled:
            desk.trade("80319.9" if desk.last.instrument == XBTUSD.id else None)
        desk.wait(0.3)
        desk.quotes(("80319.9", "80320"), ("80400", "80405"))
        if desk.plan.status is not PlanStatus.ACTIVE:
            break
    assert desk.plan.status is PlanStatus.DONE
    assert "LEGGED_POSITION" not in desk.alerts
    assert (desk.state.positions[XBTUSD.id], desk.state.positions[MBT.id]) == (0, 0)


def test_restarts_do_not_use_up_the_authority_to_hedge() -> None:
    desk = Desk.ready().armed()
    working = desk.last
    for _ in range(8):
        for leg in desk.plan.tranches[0].legs.values():
            desk.give(SpendAttempts(leg.key, leg.next_attempt + 4))
    desk.fill(3, order=working)
    desk.dispel()
    (hedge,) = desk.of(Purpose.HEDGE)
    assert hedge.client_order_id == "plan1-01h-041"


def test_a_corrected_execution_is_not_passed_over() -> None:
    desk = Desk.ready().armed()
    fill = desk.execution(3)
    desk.give(fill)
    desk.give(fill)
    assert desk.alerts == []
    desk.give(replace(fill, quantity=1))
    assert desk.alerts == ["EXECUTION_DISPUTED"]  # two stories of one revision: neither is the later one
    assert not desk.market.reconciled
    assert desk.state.positions[MBT.id] == -3


def flattened(*, flat: bool) -> Desk:
    """A fill whose hedge venue was away when flatten took over."""
    desk = Desk.ready().armed()
    desk.link("bitmex", LinkState.DOWN)
    desk.trade()
    ordered = FlattenOrdered("f1", "anna", ("bitmex", "cme"))
    desk.give(AdoptJournal((ordered, FlattenFinished("f1", flat))))
    desk.link("bitmex")
    desk.give(Compared(()))
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "go on"))
    return desk


def test_what_flatten_did_not_close_is_not_forgotten() -> None:
    desk = flattened(flat=False)
    assert desk.plan.unhedged == D("-0.3")
    assert "LEGGED_POSITION" in desk.alerts
    assert "LEGGED_POSITION" not in flattened(flat=True).alerts


def test_a_recovered_hedge_waits_for_the_fill_it_answers() -> None:
    """After a crash the hedge may be known before the working fill: it is not too much, it is early."""
    desk = Desk.ready().armed()
    working = desk.last
    key = desk.plan.tranches[0].legs[Role.HEDGE].key
    early = desk.execution(24_000, "80000", replace(working, client_order_id=key.client_order_id(1)))
    early = replace(early, instrument=XBTUSD.id, side=Side.BUY)
    desk.give(early)
    desk.quotes()
    assert not desk.of(Purpose.CONTINGENCY)
    desk.fill(3, order=working)
    desk.tell(OrderStatus.FILLED, 3, working)
    assert not desk.of(Purpose.HEDGE)[1:]
    assert abs(desk.plan.unhedged) < D(100) / D(80_000)


def test_a_hedge_of_an_earlier_tranche_that_fills_after_all_is_unwound_as_far_as_may_be_and_the_rest_said() -> (
    None
):
    desk = Desk.ready()
    desk.hold(inverse=-56_000, linear=7)
    desk.propose(kind=PlanKind.CLOSE, direction=SHORT, size_xbt=None, tranches=2)
    desk.approve()
    desk.trade("80700")  # 4 of 7 MBT
    lost = desk.last
    desk.silence()
    for _ in range(2):
        desk.wait(13)
        desk.quotes()
        desk.answer(None, lost)
    assert desk.last is not lost
    desk.trade("80000")
    desk.wait(0.3)
    desk.quotes()
    desk.approve()
    desk.trade("80700")
    desk.trade("80000")
    desk.wait(0.3)
    desk.quotes()
    assert desk.status == "done"
    assert "LEGGED_POSITION" not in desk.alerts
    desk.fill(lost.quantity, "80000", lost)
    # The latest tranche's approval takes back what that tranche has bought, and no more.
    assert (desk.last.side, desk.last.quantity) == (Side.SELL, 24_000)
    desk.trade("80000")
    assert desk.alerts[-1] == "LEGGED_POSITION"
