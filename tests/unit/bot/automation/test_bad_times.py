"""Bad input and bad times, one by one (docs/bad-times.md): said aloud, and nothing traded that is not understood."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.ibkr.hours import trading_hours
from adapters.venue import FundingAnnounced, HoursAnnounced, LinkState
from bot.automation.margin import standings
from bot.model.automation import Automation, Collateral, MarginLimits, OrphanLimits
from bot.model.events import Alerted
from bot.model.inputs import CancelTransfer, Compared, LoadInstrument, RecordTransfer, SetTradingState
from bot.model.plans import Cause as PlanCause
from bot.model.trading_state import TradingState
from bot.model.transfers import OUTSIDE
from bot.orders.turn import Turn
from risk.direction import Direction
from risk.orders import CashFlow, CashFlowKind, Cause, Fill, Side
from risk.portfolio import Funding
from risk.sessions import Span, TradingHours
from tests.unit.bot.automation import test_closure, test_holding, test_margin
from tests.unit.bot.desk import BTC, MBT, POLICY, XBTUSD, Desk, xbt

D = Decimal
LONG = Direction.LONG_INVERSE
COLLATERAL = Collateral(band=D("0.05"), pause=timedelta(minutes=2), steady=timedelta(seconds=5))
ORPHAN = OrphanLimits(band=D("0.05"), steady=timedelta(seconds=5), pause=timedelta(minutes=2))
MARGIN = MarginLimits(
    last=D("0.05"),
    top_up=D("0.12"),
    aim=D("0.16"),
    release=D(20),
    broker_rate=D("0.2"),
    pause=timedelta(minutes=30),
    wire_takes=timedelta(hours=24),
    xbt_takes=timedelta(hours=2),
)


def desk() -> Desk:
    """Two XBT of spread, long at the inverse venue, one XBT of collateral with its hedge; all that watches is on."""
    pair = Automation(
        XBTUSD.id,
        MBT.id,
        LONG,
        collateral=COLLATERAL,
        orphan=ORPHAN,
        margin=MARGIN,
        closure=test_closure.LIMITS,
    )
    at = Desk.ready(replace(POLICY, automation=pair, max_apart=D("0.15")))
    at.hold(160_000, -30)
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "these are ours"))
    at.give(Compared(()))
    at.wait(0)
    at.events.clear()
    return at


def pass_by(at: Desk, seconds: int, inverse: str = "80000", linear: str | None = "80705") -> None:
    """Let seconds pass with prices that live; ``linear`` None: that side tells nothing."""
    for second in range(seconds):
        at.now += timedelta(seconds=1)
        step = D("0.1") * (second % 2)
        at.quote(XBTUSD, str(D(inverse) - D("0.1") + step), str(D(inverse) + step))
        if linear is not None:
            at.quote(MBT, str(D(linear) - 5), linear, 1000 + second % 2)
        at.wait(0)


def said(at: Desk, code: str) -> list[str]:
    return [alert.text for alert in at.told(Alerted) if alert.code == code]


def deposit(at: Desk, amount: str, flow_id: str = "d1") -> None:
    at.give(CashFlow(flow_id, "bitmex", CashFlowKind.DEPOSIT, xbt(amount), at.now))


# --- hours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "20261123:1700-20261124:1600;20261124:1500-20261125:1600",  # two sessions overlap
        "20261124:CLOSED;20261124:0900-20261124:1600",  # closed, and open
        "20261123:1700-20261123:1600",  # ends before it begins
        "",
        "20261199:CLOSED",
        "tomorrow",
    ],
)
def test_hours_that_contradict_themselves_start_nothing(text: str) -> None:
    at = desk()
    at.give(HoursAnnounced(MBT.id, trading_hours(text, "US/Central")))
    deposit(at, "1")
    pass_by(at, 30)
    assert said(at, "HOURS_UNKNOWN")
    assert said(at, "CLOSURE_UNKNOWN")
    assert not at.sent
    assert not at.tickets


def test_hours_that_run_out_are_said_before_they_do() -> None:
    at = desk()
    known = Span(at.now - timedelta(days=5), at.now + timedelta(hours=7))
    at.give(HoursAnnounced(MBT.id, TradingHours.of([known], known)))
    pass_by(at, 1)
    assert not said(at, "CLOSURE_UNKNOWN")
    at.now += timedelta(hours=1, minutes=1)
    pass_by(at, 2)
    assert len(said(at, "CLOSURE_UNKNOWN")) == 1
    at.now = known.end
    deposit(at, "1")
    pass_by(at, 30)
    assert not at.tickets


def test_a_holiday_is_a_closure_like_any_other() -> None:
    at = test_closure.desk(wallet="0.4")
    # Thanksgiving: as announced, Thursday is closed from noon in Chicago, and all of Friday.
    text = "20261125:1700-20261126:1200;20261127:CLOSED;20261128:CLOSED;20261129:1700-20261130:1600"
    at.give(HoursAnnounced(MBT.id, trading_hours(text, "US/Central")))
    at.now = datetime(2026, 11, 26, 11, 55, tzinfo=UTC)
    test_closure.until(at, datetime(2026, 11, 26, 12, 15, tzinfo=UTC))  # six hours before
    assert at.plan.spec.cause is PlanCause.CLOSURE
    assert "Thu 2026-11-26 18:00Z to Sun 23:00Z" in at.plan.spec.why


# --- the clock -----------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_ahead_makes_every_price_old() -> None:
    at = desk()
    deposit(at, "1")
    pass_by(at, 2)
    at.now += timedelta(hours=3)
    at.wait(1)
    assert not at.tickets
    pass_by(at, 2)  # by quotes of the new time the hedge is due: it has been for long enough
    assert at.plan.spec.cause is PlanCause.COLLATERAL


def test_a_clock_set_back_keeps_no_hedge_of_the_collateral_waiting() -> None:
    at = desk()
    deposit(at, "1")
    pass_by(at, 2)
    at.now -= timedelta(minutes=30)
    pass_by(at, 8)
    assert at.plan.spec.cause is PlanCause.COLLATERAL


def test_a_clock_set_back_keeps_no_orphan_waiting() -> None:
    at = desk()
    gone = Fill("liq", XBTUSD.id, None, "", Side.SELL, 160_000, D(80000), at.now, cause=Cause.LIQUIDATION)
    at.give(gone)
    pass_by(at, 1)
    at.now -= timedelta(minutes=30)
    for _ in range(10):
        pass_by(at, 1)
        at.give(Compared(()))
    pass_by(at, 1)
    assert at.plan.spec.cause is PlanCause.ORPHAN


# --- links and prices ----------------------------------------------------------------------------------------


def test_with_a_venue_down_at_the_close_nothing_is_sent_and_it_is_said_until_the_end() -> None:
    at = test_closure.desk(wallet="0.4")
    test_closure.until(at, test_closure.FRIDAY - timedelta(hours=7))
    at.link("bitmex", LinkState.DOWN)
    while at.now < test_closure.FRIDAY + timedelta(minutes=30):
        at.now += timedelta(minutes=15)
        at.quote(MBT, "80700", "80705")
        at.wait(0)
    assert said(at, "CLOSURE_NEAR")
    assert len(said(at, "CLOSURE_UNFINISHED")) >= 2
    assert not at.sent
    assert at.status == "stopped"  # the closure has overtaken it: not traded at the next open


def test_one_side_that_goes_stale_is_said_and_starts_nothing() -> None:
    at = desk()
    deposit(at, "1")
    pass_by(at, 59, linear=None)
    assert not said(at, "PRICES_DOUBTFUL")
    pass_by(at, 10, linear=None)
    [text] = said(at, "PRICES_DOUBTFUL")
    assert "cme:MBT" in text
    assert "s old" in text
    assert not at.sent
    assert not at.tickets
    pass_by(at, 3600, linear=None)
    assert len(said(at, "PRICES_DOUBTFUL")) == 3  # again after a quarter of an hour, then half an hour
    pass_by(at, 2)
    assert at.plan.spec.cause is PlanCause.COLLATERAL


@pytest.mark.parametrize(("inverse", "linear"), [("8000", "80705"), ("80000", "807050"), ("0.1", "80705")])
def test_a_price_ten_times_off_at_one_venue_is_no_price(inverse: str, linear: str) -> None:
    at = desk()
    deposit(at, "1")
    pass_by(at, 30, inverse, linear)
    assert "apart" in said(at, "PRICES_DOUBTFUL")[0]
    assert not at.state.plans  # neither the deposit's hedge, nor a reduction for margin
    assert not said(at, "TRANSFER_WANTED")
    assert not at.market.advice
    pass_by(at, 7)
    assert at.plan.spec.cause is PlanCause.COLLATERAL


def test_an_orphan_is_not_answered_by_a_price_ten_times_off() -> None:
    at = desk()
    at.give(Fill("liq", MBT.id, None, "", Side.BUY, 30, D(80700), at.now, cause=Cause.LIQUIDATION))
    for _ in range(10):
        pass_by(at, 1, "8000")
        at.give(Compared(()))
    assert not at.state.plans
    for _ in range(10):
        pass_by(at, 1)
        at.give(Compared(()))
    single = at.plan.spec.single
    assert single is not None
    # Three XBT too much by the collateral and the leg; the inverse leg holds two of them, 160,000 USD at 80,000.
    assert (single.instrument, single.contracts) == (XBTUSD.id, 160_000)


def test_an_old_price_of_a_closed_market_tells_less() -> None:
    at = desk()
    opens = at.now + timedelta(hours=40)
    week = Span(at.now - timedelta(days=1), at.now + timedelta(days=6))
    at.give(HoursAnnounced(MBT.id, TradingHours.of([Span(opens, week.end)], week)))
    pass_by(at, 5, "66000", linear="80705")  # −18 % while CME is closed: it happens
    assert not said(at, "PRICES_DOUBTFUL")
    pass_by(at, 5, "56000", linear="80705")  # −31 %: beyond what is believed without CME
    assert said(at, "PRICES_DOUBTFUL")


def test_a_gap_beyond_the_configured_one_asks_for_money_and_reduces_at_once() -> None:
    at = test_margin.desk(LONG)
    opens = at.now + timedelta(hours=2)
    week = Span(at.now - timedelta(days=1), at.now + timedelta(days=6))
    at.give(HoursAnnounced(BTC.id, TradingHours.of([Span(opens, week.end)], week)))
    at.now = opens
    test_margin.stay(at, "6750", "8450")  # both venues, −15.6 % in one step
    assert said(at, "TRANSFER_WANTED")
    assert at.plan.spec.cause is PlanCause.MARGIN


# --- contracts and funding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("multiplier", ["0.01", "1"])
def test_a_contract_that_is_suddenly_another_is_not_taken_in(multiplier: str) -> None:
    at = desk()
    before = at.state.delta()
    at.give(LoadInstrument(replace(MBT, terms=replace(MBT.terms, multiplier=D(multiplier)))))
    assert at.state.delta() == before
    assert at.state.trading is TradingState.HALTED
    assert multiplier in said(at, "TERMS_CHANGED")[0]
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "it will be nothing"))
    deposit(at, "1")
    pass_by(at, 30)
    assert not at.tickets
    at.give(LoadInstrument(MBT))  # the venue has mended it
    pass_by(at, 7)
    assert at.tickets


def test_terms_a_venue_may_change_are_taken_in_and_said() -> None:
    at = desk()
    end = at.now + timedelta(days=3)
    at.give(LoadInstrument(replace(XBTUSD, terms=replace(XBTUSD.terms, tick=D("0.5"), expiry=end))))
    assert at.state.instruments[XBTUSD.id].terms.expiry == end
    [text] = said(at, "TERMS_CHANGED")
    assert "tick" in text
    assert "expiry" in text
    assert at.state.trading is TradingState.ACTIVE


def test_one_payment_of_one_per_cent_is_no_month_of_them() -> None:
    at = test_holding.desk()
    for rate in [*["0.0001"] * 8, "0.01"]:
        at.now += timedelta(hours=8)
        at.give(FundingAnnounced(XBTUSD.id, Funding(at.now + timedelta(hours=8), D(rate))))
    at.quotes()
    found = test_holding.expected(at)
    # The next one of 1 % and 29 of the usual 0.01 %, of 79,999.9; a mean of all nine would expect 0.12 % each time.
    assert found.funding == pytest.approx(D("79999.9") * (D("0.01") + 29 * D("0.0001")))


@pytest.mark.parametrize(
    ("hours", "rate"), [(-30, "0.0001"), (24 * 365, "0.0001"), (4, "0.5"), (4, "-100")], ids=str
)
def test_funding_that_cannot_be_counts_for_nothing(hours: int, rate: str) -> None:
    at = test_holding.desk()
    test_holding.funded(at, "0.0001")
    at.give(FundingAnnounced(XBTUSD.id, Funding(at.now + timedelta(hours=hours), D(rate))))
    assert said(at, "FUNDING_DOUBTFUL")
    assert list(at.market.funding_rates[XBTUSD.id].values()) == [D("0.0001")]
    assert XBTUSD.id not in at.market.fundings


# --- money ---------------------------------------------------------------------------------------------------


def test_a_transfer_that_never_arrives_is_said_and_no_longer_counted_upon() -> None:
    at = test_margin.desk(LONG)
    at.command(RecordTransfer("t1", xbt("3"), OUTSIDE, "bitmex", "anna", "topped up", ()))
    test_margin.stay(at, "7300", "9000", 2)
    assert "bitmex" not in at.market.advice  # it is on its way
    at.now += timedelta(hours=6)
    test_margin.stay(at, "7300", "9000", 2)
    [text] = said(at, "TRANSFER_LATE")
    assert "t1" in text
    assert at.market.advice["bitmex"].amount > 2  # asked for as if nobody had sent anything
    assert at.state.delta() == pytest.approx(D(3), abs=D("0.01"))  # it is still somebody's: Δ counts it
    at.now += timedelta(days=1)
    test_margin.stay(at, "7300", "9000", 2)
    assert len(said(at, "TRANSFER_LATE")) == 2
    at.command(CancelTransfer("t1", "anna", "it was never sent", ()))
    at.now += timedelta(days=1)
    test_margin.stay(at, "7300", "9000", 2)
    assert len(said(at, "TRANSFER_LATE")) == 2
    assert at.state.delta() == pytest.approx(D(0), abs=D("0.01"))


def test_a_withdrawal_while_a_margin_reduction_waits_is_asked_back_and_changes_no_approved_size() -> None:
    at = test_margin.desk(LONG)
    test_margin.stay(at, "7000", "8700")
    plan = at.plan
    size, asked = plan.spec.size_xbt, at.market.advice["bitmex"].amount
    gone = CashFlow("w1", "bitmex", CashFlowKind.WITHDRAWAL, xbt("-1.2"), at.now)
    at.give(gone)
    test_margin.stay(at, "7000", "8700", 2)
    assert at.plan is plan
    assert plan.spec.size_xbt == size
    assert at.market.advice["bitmex"].amount == pytest.approx(asked + D("1.2"), abs=D("0.01"))
    pair = at.policy.automation
    assert pair is not None
    found = standings(Turn(at.state, at.market, at.policy, at.now), pair, test_margin.LIMITS)
    assert found is not None
    assert found[0].equity == pytest.approx(D("0.2286"), abs=D("0.01"))  # 5 − 3.571 − 1.2
