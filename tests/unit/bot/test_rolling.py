"""Rolling the linear leg: the old month is closed and the new one opened, contract for contract, in paired tranches."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.automation.proposing import roll_of
from bot.model.automation import Automation, OrphanLimits
from bot.model.ids import Role
from bot.model.inputs import Compared, ProposePlan, SetTradingState
from bot.model.plans import PlanKind, PlanSpec
from bot.model.trading_state import TradingState
from risk.approval import Denied, Purpose
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.orders import Cause, Fill, OrderStatus, Side
from tests.unit.bot.desk import LONG, MBT, POLICY, XBTUSD, D, Desk

OLD = replace(MBT, terms=replace(MBT.terms, expiry=datetime(2026, 12, 24, 16, tzinfo=UTC)))
NEW = Instrument(
    InstrumentId("cme", "MBTH27"), replace(MBT.terms, expiry=datetime(2027, 3, 26, 16, tzinfo=UTC))
)
PAIR = Automation(XBTUSD.id, OLD.id, Direction.LONG_INVERSE, next_linear=NEW.id)


def desk(
    inverse: int = 240_000, linear: int = -30, new: Instrument = NEW, automation: Automation = PAIR
) -> Desk:
    """A spread of 3 XBT in the old month, at 80,000, and the new month quoted 300 above."""
    at = Desk(replace(POLICY, automation=automation), OLD)
    at.open("1")
    at.load(new)
    at.hold(inverse, linear)
    at.give(Compared(()))
    quotes(at)
    return at


def quotes(
    at: Desk, old: tuple[str, str] = ("80700", "80705"), new: tuple[str, str] = ("81000", "81010")
) -> None:
    at.quotes(linear=old)
    at.quote(NEW, *new)


def roll(at: Desk, size: str | None = None, tranches: int = 3, pair: Automation = PAIR) -> PlanSpec:
    return roll_of(at.state, pair, "roll1", None if size is None else D(size), tranches, "anna")


def rolling(at: Desk, size: str | None = None, tranches: int = 3) -> Desk:
    at.command(ProposePlan(roll(at, size, tranches)))
    at.approve()
    return at


def sent(at: Desk) -> list[tuple[str, str, int, bool]]:
    return [
        (r.instrument.symbol, str(r.side), r.quantity, r.reduce_only)
        for r in (s.order.request for s in at.sent)
    ]


def fill_and_answer(at: Desk) -> None:
    """The old month's order fills in full, and so does what answers it."""
    at.trade()
    at.trade()
    at.wait(0.3)
    quotes(at)


def test_a_short_leg_buys_the_old_month_and_sells_the_new_one() -> None:
    at = desk()
    at.command(ProposePlan(roll(at)))
    tickets = at.tickets
    working, hedge = tickets[Role.WORKING], tickets[Role.HEDGE]
    assert (working.material.instrument, working.material.side, working.contracts) == (OLD.id, Side.BUY, 10)
    assert (hedge.material.instrument, hedge.material.side, hedge.contracts) == (NEW.id, Side.SELL, 10)
    assert working.material.reduce_only
    assert not hedge.material.reduce_only
    assert working.purpose == "roll cme:MBT into cme:MBTH27: goes first"


def test_the_limit_on_the_ticket_is_the_calendar_spread_less_the_slack() -> None:
    at = desk()
    at.command(ProposePlan(roll(at)))
    # Sold at 81,000, bought at 80,705: a spread of 295; the slack is a thousandth of the old month's 80,705, down.
    shown = at.tickets[Role.WORKING]
    assert shown.circumstances.basis == D(295)
    assert (shown.material.min_basis, shown.material.max_basis) == (D(214), None)


def test_each_fill_of_the_old_month_is_answered_in_the_new_one_contract_for_contract() -> None:
    at = rolling(desk())
    # max_unattended_delta is 0.5 XBT: five contracts at a time.
    assert sent(at) == [("MBT", "buy", 5, True)]
    at.fill(2)
    assert sent(at)[1:] == [("MBTH27", "sell", 2, False)]


def test_the_whole_leg_goes_over_in_three_tranches_and_nothing_is_left() -> None:
    at = rolling(desk())
    for _ in range(8):
        if at.status == "done":
            break
        at.approve()
        fill_and_answer(at)
    assert at.status == "done"
    assert (at.state.positions[OLD.id], at.state.positions[NEW.id], at.state.positions[XBTUSD.id]) == (
        0,
        -30,
        240_000,
    )
    assert at.plan.unhedged == 0
    assert [sum(r.quantity for r in at.of(Purpose.WORK)), sum(r.quantity for r in at.of(Purpose.HEDGE))] == [
        30,
        30,
    ]


def test_a_long_leg_sells_the_old_month_and_buys_the_new_one() -> None:
    at = rolling(desk(-240_000, 30))
    at.fill(5)
    assert sent(at) == [("MBT", "sell", 5, True), ("MBTH27", "buy", 5, False)]


def test_a_part_of_it_can_be_rolled() -> None:
    at = desk()
    at.command(ProposePlan(roll(at, "0.75", tranches=2)))
    assert at.tickets[Role.WORKING].contracts == 4  # 7 contracts: 4 and 3


def test_what_cannot_be_opened_in_the_new_month_is_taken_back_in_the_old_one() -> None:
    at = rolling(desk())
    at.trade()
    for _ in range(60):
        if at.of(Purpose.CONTINGENCY):
            break
        if at.last.instrument == NEW.id and at.order(at.last.client_order_id).outstanding:
            at.tell(OrderStatus.CANCELED)
        at.wait(0.6)
        quotes(at)
    assert sent(at)[-1][:3] == ("MBT", "sell", 5)
    at.trade()
    at.wait(1)
    assert (at.state.positions[OLD.id], at.state.positions[NEW.id]) == (-30, 0)
    assert "LEGGED_POSITION" in at.alerts
    assert at.status == "stopped"


def test_below_its_limit_nothing_is_worked() -> None:
    at = desk()
    at.command(ProposePlan(replace(roll(at), min_basis=D(300))))
    at.approve()
    assert not at.sent
    quotes(at, new=("81010", "81020"))
    assert sent(at) == [("MBT", "buy", 5, True)]


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (replace(NEW, terms=replace(NEW.terms, expiry=OLD.terms.expiry)), "no later than cme:MBT"),
        (
            replace(NEW, terms=replace(NEW.terms, expiry=datetime(2026, 11, 27, 16, tzinfo=UTC))),
            "no later than",
        ),
        (replace(NEW, terms=replace(NEW.terms, multiplier=D(5))), "two months of the same contract"),
        (replace(NEW, terms=replace(NEW.terms, expiry=None)), "has no expiry"),
    ],
)
def test_what_is_no_later_month_of_the_same_contract_is_refused(new: Instrument, problem: str) -> None:
    at = desk(new=new)
    answer = at.give(ProposePlan(roll(at)))
    assert isinstance(answer, Denied)
    assert problem in answer.limit


def test_a_month_that_is_not_loaded_is_refused() -> None:
    at = Desk(replace(POLICY, automation=PAIR), OLD)
    at.open("1")
    at.hold(240_000, -30)
    answer = at.give(ProposePlan(roll(at)))
    assert isinstance(answer, Denied)
    assert "cme:MBTH27 is not loaded" in answer.limit


def test_more_than_is_held_and_nothing_at_all_are_refused() -> None:
    at = desk()
    answer = at.give(ProposePlan(roll(at, "3.1")))
    assert isinstance(answer, Denied)
    assert "31 contracts of cme:MBT, of which 30 are held" in answer.limit
    at = desk(linear=0)
    answer = at.give(ProposePlan(roll(at)))
    assert isinstance(answer, Denied)
    assert "no position in cme:MBT to roll" in answer.limit


def test_a_roll_makes_nothing_smaller_and_so_needs_trading_that_is_enabled() -> None:
    at = desk()
    answer = _reducing(at).give(ProposePlan(roll(at)))
    assert isinstance(answer, Denied)
    assert answer.code == "TRADING_STATE"
    at = rolling(desk())
    at.trade()
    _reducing(at)
    assert sent(at)[-1] == ("MBTH27", "sell", 5, False)  # what has filled is answered all the same
    before = len(at.sent)
    at.trade()
    at.wait(1, ticks=3)
    assert len(at.sent) == before


def _reducing(at: Desk) -> Desk:
    at.command(SetTradingState(TradingState.REDUCING, "anna", "smaller"))
    return at


def halfway() -> Desk:
    """Ten contracts of thirty have been rolled, and the roll was cancelled."""
    at = rolling(desk(), size="1", tranches=1)
    for _ in range(2):
        fill_and_answer(at)
    assert at.status == "done"
    assert (at.state.positions[OLD.id], at.state.positions[NEW.id]) == (-20, -10)
    return at


def test_half_rolled_the_spread_is_not_closed_for_the_other_month_would_stand_alone() -> None:
    at = halfway()
    answer = at.give(
        ProposePlan(
            PlanSpec(
                "close1",
                PlanKind.CLOSE,
                LONG,
                XBTUSD.id,
                OLD.id,
                None,
                1,
                collateral=False,
                proposed_by="anna",
            )
        )
    )
    assert isinstance(answer, Denied)
    assert "cme:MBTH27 is held too, and would stay alone" in answer.limit


def test_half_rolled_a_person_is_reminded_until_the_rest_follows() -> None:
    at = halfway()
    at.wait(1)
    assert at.alerts.count("ROLL_UNFINISHED") == 1
    at.command(ProposePlan(replace(roll(at), plan_id="roll2")))
    for _ in range(6):
        at.approve()
        fill_and_answer(at)
    assert (at.state.positions[OLD.id], at.state.positions[NEW.id]) == (0, -30)
    assert "ROLLED" in at.alerts


def test_once_all_is_rolled_the_next_month_is_the_pair_and_stays_it_over_a_restart() -> None:
    assert PAIR.followed({OLD.id: -30, NEW.id: 0}) is PAIR
    assert PAIR.followed({OLD.id: -20, NEW.id: -10}) is PAIR
    assert PAIR.followed({OLD.id: 0, NEW.id: 0}) is PAIR
    moved = PAIR.followed({OLD.id: 0, NEW.id: -30})
    assert (moved.linear, moved.next_linear) == (NEW.id, None)


def test_without_a_next_month_there_is_nothing_to_roll_into() -> None:
    at = desk()
    with pytest.raises(ValueError, match="names no next month"):
        roll(at, pair=replace(PAIR, next_linear=None))
    done = desk(linear=0)
    done.state.positions[NEW.id] = -30
    with pytest.raises(ValueError, match="all of it is in cme:MBTH27 already"):
        roll(done)


@pytest.mark.parametrize("armed", [False, True])
def test_a_roll_does_not_keep_an_orphans_answer_waiting(armed: bool) -> None:
    """What made the leg stand alone leaves trading REDUCING: the roll sends nothing, approved or not."""
    limits = OrphanLimits(band=D("0.05"), steady=timedelta(seconds=5), pause=timedelta(minutes=2))
    at = desk(automation=replace(PAIR, orphan=limits))
    at.command(ProposePlan(roll(at)))
    if armed:
        at.approve()
        at.trade(quantity=0)
    gone = Fill("l1", XBTUSD.id, None, "", Side.SELL, 240_000, D(80_000), at.now, cause=Cause.LIQUIDATION)
    at.give(gone)
    for _ in range(8):
        at.now += timedelta(seconds=1)
        quotes(at)
        at.give(Compared(()))
        at.wait(0)
    assert at.tickets[Role.SINGLE].contracts == 20  # the wallet holds the third XBT


DATED = Instrument(
    InstrumentId("bitmex", "XBTZ26"),
    replace(XBTUSD.terms, expiry=datetime(2026, 12, 25, 12, tzinfo=UTC)),
)


def inverse_roll(size: str, tranches: int) -> Desk:
    """An inverse leg of 3 XBT, of which ``size`` goes into a dated contract."""
    pair = Automation(XBTUSD.id, OLD.id, Direction.LONG_INVERSE, next_inverse=DATED.id)
    at = desk(automation=pair)
    at.load(DATED)
    at.quote(DATED, "80300", "80300.5")
    at.command(ProposePlan(roll_of(at.state, pair, "roll1", D(size), tranches, "anna", leg=XBTUSD.id)))
    return at


def test_a_size_of_fewer_inverse_lots_than_tranches_goes_in_fewer() -> None:
    at = inverse_roll("0.005", 6)
    # 0.005 XBT at 79,999.95 are 399.99 USD: three lots of 100.
    assert at.tickets[Role.WORKING].contracts == 100


def test_a_size_below_one_inverse_lot_is_said_to_be_and_nothing_is_asked_for() -> None:
    at = inverse_roll("0.001", 1)
    assert not at.tickets
    assert at.market.waiting["roll1"].startswith(
        "0.001 XBT are less than a lot of bitmex:XBTUSD at 79,999.95"
    )


def test_a_month_that_is_entered_has_the_other_leg_for_its_partner() -> None:
    pair = Automation(XBTUSD.id, OLD.id, Direction.LONG_INVERSE, next_linear=NEW.id, next_inverse=DATED.id)
    assert [pair.partner_of(leg) for leg in pair.contracts] == [OLD.id, OLD.id, XBTUSD.id, XBTUSD.id]
