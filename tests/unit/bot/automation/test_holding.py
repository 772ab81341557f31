"""Whether holding pays, by hand: what the basis has left, and the funding until then."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.venue import FundingAnnounced
from bot.automation.holding import Holding, holding, move, says
from bot.model.automation import AtExpiry, Automation, CarryLimits, ExpiryLimits
from bot.model.inputs import Compared, SetTradingState
from bot.model.plans import Cause, PlanKind
from bot.model.trading_state import TradingState
from bot.orders.turn import Turn
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind
from risk.portfolio import Funding
from tests.unit.bot.desk import MBT, POLICY, T0, XBTUSD, Desk

D = Decimal
LIMITS = CarryLimits(
    loss=D("0.002"),
    horizon=timedelta(days=10),
    commission=D(1),
    steady=timedelta(seconds=30),
    pause=timedelta(hours=8),
)


def desk(direction: Direction = Direction.LONG_INVERSE) -> Desk:
    pair = Automation(XBTUSD.id, MBT.id, direction, carry=LIMITS)
    at = Desk.ready(replace(POLICY, automation=pair))
    if direction is Direction.LONG_INVERSE:
        at.hold(160_000, -30)
    else:
        at.hold(-240_000, 20)
    at.give(Compared(()))
    return at


def funded(at: Desk, *rates: str) -> None:
    for number, rate in enumerate(rates):
        when = T0 + timedelta(hours=8 * (number + 1))
        at.give(FundingAnnounced(XBTUSD.id, Funding(when, D(rate))))


def expected(at: Desk) -> Holding:
    pair = at.policy.automation
    assert pair is not None
    found = holding(Turn(at.state, at.market, at.policy, at.now), pair, LIMITS)
    assert found is not None
    return found


def pass_by(at: Desk, seconds: int) -> None:
    for _ in range(seconds):
        at.now += timedelta(seconds=1)
        at.quotes()
        at.wait(0)


def test_the_sums_by_hand() -> None:
    at = desk()
    funded(at, "0.0001", "0.0005")
    found = expected(at)
    # Closing buys at 80,705 and sells at 79,999.9: 705.10 of basis are left. Ten days are 30 payments: the
    # next one of 0.05 %, 29 of the usual 0.03 %, of 79,999.9 each: 735.99908 a long pays.
    assert found.left == D("705.1")
    assert found.funding == pytest.approx(D("735.99908"))
    assert found.edge == pytest.approx(D("-30.89908"))


def test_a_short_is_paid_by_the_same_rate() -> None:
    at = desk(Direction.SHORT_INVERSE)
    funded(at, "0.0003")
    found = expected(at)
    # Closing sells at 80,700 and buys at 80,000: 700 come in now that are lost if the basis goes; funding brings 720.
    assert found.left == D(-700)
    assert found.funding == pytest.approx(D(-720))
    assert found.edge == pytest.approx(D(20))


def test_closing_is_proposed_once_it_has_cost_too_much_for_a_while() -> None:
    at = desk()
    funded(at, "0.0003")  # −14.90: less than 0.2 % of 80,000
    pass_by(at, 60)
    assert not at.tickets
    funded(at, "0.0004")  # 30 × 0.04 % are 960: −254.90
    pass_by(at, 29)
    assert not at.tickets
    pass_by(at, 3)
    assert (at.plan.spec.cause, at.plan.spec.kind) == (Cause.CARRY, PlanKind.CLOSE)
    assert "-254.90" in at.plan.spec.why
    assert at.tickets


def test_without_a_spread_there_is_nothing_to_hold() -> None:
    pair = Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, carry=LIMITS)
    at = Desk.ready(replace(POLICY, automation=pair))
    funded(at, "0.01")
    pass_by(at, 60)
    assert not at.tickets


def test_a_plan_that_could_not_be_asked_for_is_withdrawn_once_holding_pays() -> None:
    at = desk()
    funded(at, "0.0004")
    at.command(SetTradingState(TradingState.HALTED, "anna", "lunch"))
    pass_by(at, 32)
    assert at.plan.spec.cause is Cause.CARRY
    funded(at, "0.0001")  # 705.10 less 240
    pass_by(at, 1)
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "back"))
    pass_by(at, 2)
    assert at.status == "stopped"
    assert not at.tickets


def test_funding_so_far_is_what_was_booked_since_the_contract_was_flat() -> None:
    at = desk()
    assert expected(at).funded is None
    for number, xbt in enumerate(("-0.0002", "0.00005")):
        amount = Money.of(Currency.XBT, D(xbt))
        at.give(CashFlow(f"f{number}", "bitmex", CashFlowKind.FUNDING, amount, at.now, XBTUSD.id))
    assert expected(at).funded == Money.of(Currency.XBT, D("-0.00015"))
    assert says(expected(at)).endswith("funding so far -0.00015000 XBT")
    at.hold(-160_000, 0)  # flat
    at.hold(160_000, 0)
    assert expected(at).funded is None


DATED = Instrument(
    InstrumentId("bitmex", "XBTH27"),
    replace(XBTUSD.terms, expiry=T0 + timedelta(days=124), taker_fee=D("0.00075")),
)


def dear(direction: Direction, rate: str, bid: str, ask: str) -> Desk:
    """A spread whose perpetual costs ``rate`` every eight hours, beside a dated contract at ``bid`` and ``ask``."""
    at = desk(direction)
    assert at.policy.automation is not None
    at.policy = replace(at.policy, automation=replace(at.policy.automation, next_inverse=DATED.id))
    at.load(DATED)
    funded(at, rate, rate, rate)
    for _ in range(40):
        at.quote(DATED, bid, ask)
        pass_by(at, 1)
    return at


def test_a_perpetual_that_costs_too_much_is_left_for_a_dated_contract_that_pays() -> None:
    """Funding of 0.1 % every eight hours costs 2,400 USD in ten days; the basis has 805 left: 79,999.9 is bid for the
    perpetual, 80,805 asked at CME. Entered at 80,400, with 60.30 of fee, the dated contract leaves 344.70."""
    at = dear(Direction.LONG_INVERSE, "0.001", "80399.5", "80400")
    pair = at.policy.automation
    assert pair is not None
    found = move(Turn(at.state, at.market, at.policy, at.now), pair, LIMITS)
    linear = at.market.quotes[MBT.id].asks[0].price
    assert found is not None
    assert found.edge == linear - D(80_400) - D("60.30")
    assert at.plan.spec.kind is PlanKind.ROLL
    assert at.plan.spec.cause is Cause.CARRY
    assert (at.plan.spec.inverse, at.plan.spec.linear) == (XBTUSD.id, DATED.id)
    assert f"in bitmex:XBTH27 it is {found.edge:+,.2f}" in at.plan.spec.why


def test_where_the_dated_contract_pays_no_more_than_the_perpetual_the_spread_is_closed() -> None:
    linear = D("80805")
    at = dear(Direction.LONG_INVERSE, "0.001", str(linear + 99), str(linear + 100))
    assert at.plan.spec.kind is PlanKind.CLOSE


def test_a_dated_contract_that_is_about_to_end_is_not_moved_into() -> None:
    at = dear(Direction.LONG_INVERSE, "0.001", "80399.5", "80400")
    pair = at.policy.automation
    assert pair is not None
    turn = Turn(at.state, at.market, at.policy, at.now)
    for lead, moves in ((timedelta(days=100), True), (timedelta(days=125), False)):
        expiry = ExpiryLimits(
            what=AtExpiry.CLOSE,
            warn=lead,
            lead=lead,
            inverse_window=timedelta(0),
            linear_window=timedelta(0),
            slices=1,
            pause=timedelta(hours=1),
        )
        found = move(turn, replace(pair, expiry=expiry), LIMITS)
        assert (found is not None) is moves


def test_a_short_enters_the_dated_contract_at_its_bid() -> None:
    at = dear(Direction.SHORT_INVERSE, "-0.001", "81500", "81500.5")
    pair = at.policy.automation
    assert pair is not None
    found = move(Turn(at.state, at.market, at.policy, at.now), pair, LIMITS)
    linear = at.market.quotes[MBT.id].bids[0].price
    assert found is not None
    assert found.edge == D(81_500) - linear - D("61.125")
    assert at.plan.spec.kind is PlanKind.ROLL
