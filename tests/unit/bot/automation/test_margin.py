"""Margin: both golden spreads run up and down, and what each asks for follows."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from adapters.venue import HoursAnnounced
from bot.automation.deadlines import deadlines
from bot.automation.implied import opening
from bot.automation.margin import next_hedges, projections, sentence, standings
from bot.automation.reminding import GROWN
from bot.model.automation import Automation, MarginLimits
from bot.model.events import Alerted, PlanFinished
from bot.model.inputs import CancelPlan, Compared, MeetAccount, ProposePlan, RecordTransfer, SetTradingState
from bot.model.plans import Cause, PlanKind, PlanStatus
from bot.model.trading_state import TradingState
from bot.model.transfers import OUTSIDE
from bot.orders.fold import apply
from bot.orders.market import Advice
from bot.orders.turn import Turn
from risk.closures import Weekly
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, Fill, Side
from risk.sessions import Span, TradingHours
from tests.unit.bot.automation.test_closure import LIMITS as CLOSURE
from tests.unit.bot.desk import BTC, POLICY, XBTUSD, Desk, spec

D = Decimal
LONG, SHORT = Direction.LONG_INVERSE, Direction.SHORT_INVERSE
LIMITS = MarginLimits(
    last=D("0.05"),
    top_up=D("0.12"),
    aim=D("0.16"),
    release=D("0.6"),
    broker_rate=D("0.2"),
    pause=timedelta(minutes=30),
    wire_takes=timedelta(hours=24),
    xbt_takes=timedelta(hours=2),
)
PAIR = Automation(XBTUSD.id, BTC.id, LONG, margin=LIMITS)


def bought(at: Desk, instrument: Instrument, contracts: int, price: str) -> None:
    at.executions += 1
    side = Side.BUY if contracts > 0 else Side.SELL
    at.give(Fill(f"x{at.executions}", instrument.id, None, "by-hand", side, abs(contracts), D(price), at.now))


def turn_of(at: Desk) -> Turn:
    return Turn(at.state, at.market, at.policy, at.now)


def prices(at: Desk, inverse: str, linear: str) -> None:
    for instrument, price, tick in ((XBTUSD, inverse, "0.1"), (BTC, linear, "5")):
        at.quote(instrument, str(D(price) - D(tick)), price)
    at.wait(1)


def stay(at: Desk, inverse: str, linear: str, seconds: int = 7) -> None:
    """Quote a tick up and down: a book that stands still while the other moved counts as frozen."""
    for second in range(seconds):
        prices(at, str(D(inverse) + D("0.1") * (second % 2)), str(D(linear) + 5 * (second % 2)))


def desk(direction: Direction, cash: str = "120000") -> Desk:
    """A golden spread with its collateral hedge (DOMAIN.md, section 2): five XBT at the inverse venue."""
    at = Desk(
        replace(
            POLICY,
            automation=Automation(XBTUSD.id, BTC.id, direction, margin=LIMITS),
            max_unattended_delta=D(5),
        ),
        BTC,
    )
    at.open("5", cash)
    if direction is LONG:
        bought(at, XBTUSD, 200_000, "8000")
        bought(at, BTC, -6, "10000")
        prices(at, "8000", "10000")
    else:
        bought(at, XBTUSD, -300_000, "10000")
        bought(at, BTC, 5, "8000")
        prices(at, "10000", "8000")
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "these are ours"))
    at.give(Compared(()))
    at.events.clear()
    return at


def wanted(at: Desk) -> dict[str, tuple[Currency, bool]]:
    """By venue: which currency, and whether it is to be brought."""
    return {venue: (one.currency, one.amount > 0) for venue, one in at.market.advice.items()}


@pytest.mark.parametrize(
    ("direction", "inverse", "linear", "venue", "currency"),
    [
        (LONG, "7300", "9000", "bitmex", Currency.XBT),  # falls: XBT to the inverse venue
        (LONG, "8400", "10600", "cme", Currency.USD),  # rises: USD to the broker
        (SHORT, "9500", "7400", "cme", Currency.USD),  # falls: USD to the broker
        (SHORT, "10800", "8800", "bitmex", Currency.XBT),  # rises: XBT to the inverse venue
    ],
)
def test_the_margin_actions_follow_from_the_prices(
    direction: Direction, inverse: str, linear: str, venue: str, currency: Currency
) -> None:
    at = desk(direction, cash="120000" if direction is LONG else "60000")
    assert not at.market.advice
    prices(at, inverse, linear)
    assert wanted(at)[venue] == (currency, True)
    assert [alert.code for alert in at.told(Alerted) if alert.code == "TRANSFER_WANTED"] == [
        "TRANSFER_WANTED"
    ]


def test_an_instruction_says_from_where_to_where_and_when_it_is_there() -> None:
    york = ZoneInfo("America/New_York")
    weekend = Weekly("no wires", 4, time(16), 0, time(9), york)
    rules = replace(CLOSURE.rules, no_wires=(weekend,))
    pair = replace(PAIR, closure=replace(CLOSURE, rules=rules))
    friday = datetime(
        2026, 11, 27, 20, tzinfo=UTC
    )  # 15:00 in New York; a wire sent now would arrive on Saturday
    usd = Advice("cme", Currency.USD, D(4700), "why", friday)
    assert sentence(usd, pair, LIMITS) == (
        "why: wire 4,700 USD from your bank to cme now, it takes about 24 h and is there about Mon 14:00Z; "
        "USD carries no Δ"
    )
    assert "there about Sat 20:00Z" in sentence(usd, PAIR, LIMITS)
    xbt = Advice("bitmex", Currency.XBT, D("0.3722"), "why", friday)
    assert sentence(xbt, pair, LIMITS) == (
        "why: deposit 0.3722 XBT from your own wallet to bitmex now, it takes about 2 h and is there about Fri 22:00Z; "
        "then the hedge of that XBT is proposed by itself"
    )
    assert "withdraw 0.3722 XBT from bitmex to your own wallet" in sentence(
        replace(xbt, amount=-xbt.amount), pair, LIMITS
    )


def test_what_has_begun_says_the_aim_it_goes_on_to() -> None:
    at = desk(LONG)
    prices(at, "7300", "9000")
    assert "away: less than 12%" in at.market.advice["bitmex"].reason
    at.now += timedelta(hours=1)
    prices(at, "7700", "9400")  # 200,000 at 7,700: the liquidation is 13 % away
    assert "away: it was less than 12%, and 16% is the aim" in at.market.advice["bitmex"].reason


def test_the_amount_brings_the_account_to_its_aim() -> None:
    at = desk(LONG)
    prices(at, "7300", "9000")
    amount = at.market.advice["bitmex"].amount
    # 200,000 at 7,299.95 (mid) have lost 200,000/7,299.95 − 25 = 2.3974 XBT of the five: 2.6026 are left. To stand
    # −16 % it takes 200,000 × (1/(7,299.95 × 0.84) − 0.995/7,299.95) = 5.3556 XBT.
    assert amount == pytest.approx(D("2.7531"), abs=D("0.001"))
    at.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, Money.of(Currency.XBT, amount), at.now))
    prices(at, "7300", "9000")
    assert "bitmex" not in at.market.advice


def test_an_instruction_is_repeated_after_the_pause_and_when_it_grows() -> None:
    at = desk(LONG)
    prices(at, "7300", "9000")
    first = at.market.advice["bitmex"]
    prices(at, "7290", "8990")
    assert at.market.advice["bitmex"] is first
    prices(at, "7000", "8700")
    assert at.market.advice["bitmex"].amount > first.amount * GROWN
    second = at.market.advice["bitmex"]
    at.now += timedelta(minutes=30)
    prices(at, "7000", "8700")
    assert at.market.advice["bitmex"].told_at > second.told_at


def test_what_was_brought_and_is_lost_again_is_asked_for_at_once() -> None:
    """A deposit answers the first instruction; a second fall of the same size, minutes later, is nothing repeated."""
    at = desk(LONG)
    prices(at, "7300", "9000")
    amount = at.market.advice["bitmex"].amount
    at.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, Money.of(Currency.XBT, amount), at.now))
    prices(at, "7301", "9001")
    assert "bitmex" not in at.market.advice
    at.events.clear()
    prices(at, "6950", "8650")
    assert at.market.advice["bitmex"].amount <= amount * GROWN
    assert at.alerts.count("TRANSFER_WANTED") == 1


def test_at_the_last_level_the_spread_is_proposed_for_reduction() -> None:
    at = desk(LONG)
    stay(at, "7000", "8700")  # liquidated near 6,694.56, 4.4 % away
    assert at.plan.spec.cause is Cause.MARGIN
    assert at.plan.spec.kind is PlanKind.CLOSE
    # Of 200,000 contracts, 200,000/7,000 − 25 = 3.571 of 5 XBT are lost: 1.429 are left, which stand −16 % with
    # 1.429/0.1955 = 7.3 XBT. Of 28.57 XBT, 21.3 come off: in contracts of five, 25.
    assert at.plan.spec.size_xbt == 25
    assert "6,69" in at.plan.spec.why


def test_idle_collateral_is_offered_once() -> None:
    at = desk(LONG, cash="2000000")
    at.wait(1)
    told = at.market.advice["cme"]
    assert told.amount < 0
    # What is left stands +16 %: 30 XBT at 9,997.50 need (0.16 + 0.2 × 1.16) × 299,925 = 117,570.60.
    assert 2_000_000 + told.amount == pytest.approx(D(117_570), abs=D(200))


def test_a_broker_that_asks_for_more_is_believed() -> None:
    at = desk(LONG)
    prices(at, "8000", "10000")
    assert "cme" not in wanted(at)
    account = at.market.accounts["cme"]
    asked = replace(account, maintenance_margin=Money.of(Currency.USD, D(90_000)))
    at.market.accounts["cme"] = asked  # of before the spread was there, perhaps
    prices(at, "8000", "10000")
    assert "cme" not in wanted(at)
    at.now += timedelta(minutes=1)
    at.market.accounts["cme"] = replace(asked, at=at.now)
    prices(at, "8000", "10000")
    assert wanted(at)["cme"] == (Currency.USD, True)
    # Half of it is closed: until the broker says what it asks for the rest, it is 30 % of that too.
    bought(at, BTC, 3, "10000")
    prices(at, "8000", "10000")
    assert at.market.broker_rates[BTC.id] == pytest.approx(D("0.3"), rel=D("0.001"))


def test_the_next_hedges_are_due_where_the_account_lacks_one_more_lot() -> None:
    at = desk(LONG, cash="300000")
    turn = Turn(at.state, at.market, at.policy, at.now)
    pair = at.policy.automation
    assert pair is not None
    table = next_hedges(turn, pair, LIMITS, 3)
    assert [one.xbt for one in table] == [D(5), D(10), D(15)]
    for one in table:
        # Worse than now, and revalued there the account lacks just so much.
        assert one.price < 8000
        at.market.last_mids[XBTUSD.id] = one.price
        found = standings(turn, pair, LIMITS)
        assert found is not None
        assert found[0].aimed - found[0].equity == pytest.approx(one.xbt, rel=D("1e-6"))


def test_a_shorts_next_hedges_are_sold_beside_it_and_need_collateral_too() -> None:
    """Dollar by dollar: from 30 XBT sold at 10,000 on 5 XBT, what lacks of 1.005 − 1/1.16 of the position is brought,
    and as much is sold at that price."""
    at = desk(SHORT, cash="300000")
    pair = at.policy.automation
    assert pair is not None
    table = next_hedges(Turn(at.state, at.market, at.policy, at.now), pair, LIMITS, 3)
    contracts, equity, brought, price = 300_000.0, 5.0, 0.0, 10_000.0
    each = 1.005 - 1 / 1.16
    for one in table:
        while brought < one.xbt:
            equity -= contracts * (1 / price - 1 / (price + 1))
            price += 1
            more = max((each * contracts / price - equity) / (1 - each), 0.0)
            brought, equity, contracts = brought + more, equity + more, contracts + more * price
        assert float(one.price) == pytest.approx(price, abs=3)
    assert [one.xbt for one in table] == [D(5), D(10), D(15)]


def test_one_bad_tick_takes_nothing_down() -> None:
    at = desk(LONG)
    at.command(ProposePlan(spec(plan_id="anna1", linear=BTC.id, size_xbt=D(5))))
    at.quote(XBTUSD, "5600", "8000.1")  # somebody has taken the bids: a middle of 6,800.05
    at.wait(1)
    prices(at, "8000", "10000")
    at.wait(10)
    assert {plan.spec.cause for plan in at.state.plans.values()} == {Cause.PERSON}
    assert not at.state.plans["anna1"].stopping


def test_what_is_on_its_way_is_not_asked_for_again() -> None:
    at = desk(LONG)
    prices(at, "7300", "9000")
    first = at.market.advice["bitmex"].amount
    sent = Money.of(Currency.XBT, D("2.5"))
    at.command(RecordTransfer("t1", sent, OUTSIDE, "bitmex", "anna", "as asked", ()))
    at.now += LIMITS.pause
    prices(at, "7300", "9000")
    assert at.market.advice["bitmex"].amount == first - D("2.5")
    more = Money.of(Currency.XBT, D("0.3"))
    at.command(RecordTransfer("t2", more, OUTSIDE, "bitmex", "anna", "the rest", ()))
    prices(at, "7300", "9000")
    assert "bitmex" not in at.market.advice


def test_while_the_linear_market_is_closed_only_collateral_is_asked_for() -> None:
    at = desk(LONG)
    week = Span(at.now - timedelta(days=1), at.now + timedelta(days=6))
    opens = at.now + timedelta(hours=3)
    at.give(HoursAnnounced(BTC.id, TradingHours.of([Span(opens, week.end)], week)))
    prices(at, "7000", "8700")
    at.now += timedelta(minutes=2)
    prices(at, "7000", "8700")
    at.now += timedelta(minutes=2)
    prices(at, "7000", "8700")
    assert not at.state.active_plans()
    [told] = [alert.text for alert in at.told(Alerted) if alert.code == "MARGIN_LAST"]
    assert "cme:BTC" in told
    at.now = opens
    stay(at, "7000", "8700")
    assert at.plan.spec.cause is Cause.MARGIN


def test_collateral_is_not_idle_while_a_plan_is_about_to_need_it() -> None:
    at = desk(LONG, cash="2000000")
    at.market.advice.clear()
    at.command(ProposePlan(spec(plan_id="anna1", linear=BTC.id, size_xbt=D(5), tranches=1)))
    assert at.state.active_plans()
    at.wait(1)
    assert "cme" not in at.market.advice
    at.command(CancelPlan("anna1", "anna"))
    at.wait(1)
    assert at.market.advice["cme"].amount < 0


def test_what_was_needed_while_nothing_could_be_sent_is_not_done_later() -> None:
    at = desk(LONG)
    at.command(SetTradingState(TradingState.HALTED, "anna", "lunch"))
    stay(at, "7000", "8700")
    assert at.plan.spec.cause is Cause.MARGIN
    prices(at, "8000", "10000")
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "back"))
    prices(at, "8000", "10000")
    assert at.status == "stopped"
    assert not at.tickets


def test_a_reduction_that_was_traded_is_followed_by_the_next_without_a_pause() -> None:
    at = desk(LONG)
    stay(at, "7000", "8700")
    first = at.plan
    assert first.spec.cause is Cause.MARGIN
    prices(at, "7000", "8700")
    assert at.plan is first
    apply(at.state, PlanFinished(first.spec.plan_id, PlanStatus.DONE, "every tranche is done"), at.now)
    prices(at, "6950", "8650")
    assert at.plan is not first
    assert at.plan.spec.cause is Cause.MARGIN


def test_both_accounts_after_the_moves_that_matter() -> None:
    at = desk(LONG)
    found = {one.move: one for one in projections(turn_of(at), PAIR, LIMITS)}
    assert list(found) == sorted(found)
    fall, rise = found[D("-0.1")], found[D("0.1")]
    # 200,000 contracts have lost 200,000/7,200 − 25 = 2.7778 of five XBT; from 7,200 it is 7.0 % to 6,694.56. The aim
    # takes 200,000 × (1/(7,200 × 0.84) − 0.995/7,200) = 5.4299 XBT there.
    inverse, linear = fall.standings
    assert inverse.equity == pytest.approx(D("2.2222"), abs=D("0.001"))
    assert inverse.distance == pytest.approx(D("0.0702"), abs=D("0.001"))
    assert fall.wanted[0] == pytest.approx(D("3.2077"), abs=D("0.002"))
    assert linear.equity == pytest.approx(D(150_000), abs=200)  # short 30 XBT, 1,000 lower
    assert fall.wanted[1] == 0
    # At 11,000 the broker has 90,000 left: 90,000 + 330,000 = 36 p. The aim takes 330,000 × (0.16 + 0.2 × 1.16).
    inverse, linear = rise.standings
    assert inverse.equity == pytest.approx(D("7.2727"), abs=D("0.001"))
    assert linear.liquidation == pytest.approx(D("11666.67"), abs=8)
    assert rise.wanted[0] == 0
    assert rise.wanted[1] == pytest.approx(D(39_360), abs=300)
    assert found[D("-0.2")].standings[0].distance == 0  # liquidated on the way
    assert at.market.advice == {}  # looking at what may come asks for nothing


def test_a_closures_own_moves_are_among_them() -> None:
    at = desk(LONG)
    pair = replace(PAIR, closure=CLOSURE)
    moves = [one.move for one in projections(turn_of(at), pair, LIMITS)]
    stress = CLOSURE.stress
    assert {stress.inverse_fall, stress.inverse_rise, stress.linear_fall, stress.linear_rise} <= set(moves)


def test_margin_that_is_announced_counts_already() -> None:
    at = desk(LONG)
    at.now += timedelta(minutes=1)
    equity, now, next_ = (Money.of(Currency.USD, D(usd)) for usd in ("120000", "60000", "105000"))
    said = replace(at.market.accounts["cme"], equity=equity, maintenance_margin=now, at=at.now)
    assert said.excess == now  # of 120,000, half is asked for
    assert said.margin_ratio == D("0.5")
    at.give(MeetAccount(replace(said, announced_margin=next_)))
    prices(at, "8000", "10000")
    assert at.market.broker_rates[BTC.id] == pytest.approx(D("0.35"), rel=D("0.001"))  # 105,000 of 300,000


def closed(at: Desk, hours: int) -> None:
    """The broker's market closes now, for so long."""
    week = Span(at.now - timedelta(days=1), at.now + timedelta(days=6))
    spans = [Span(week.start, at.now), Span(at.now + timedelta(hours=hours), week.end)]
    at.give(HoursAnnounced(BTC.id, TradingHours.of(spans, week)))


def test_while_the_broker_is_closed_its_account_is_seen_at_the_inverse_venues_price() -> None:
    at = desk(SHORT, cash="60000")
    pair = replace(PAIR, direction=SHORT)
    week = Span(at.now - timedelta(days=1), at.now + timedelta(days=6))
    at.give(HoursAnnounced(BTC.id, TradingHours.of([week], week)))
    prices(at, "10000", "8000")
    assert "cme" not in wanted(at)
    assert opening(turn_of(at), pair) is None
    closed(at, hours=40)
    at.now += timedelta(hours=1)
    at.quote(XBTUSD, "9499.9", "9500")  # a twentieth lower; nothing is quoted at CME
    at.wait(1)
    found = opening(turn_of(at), pair)
    assert found is not None
    # Long 25 XBT of 8,000, expected a twentieth lower: 10,000 of 60,000 are lost. At 7,000 the broker takes it down.
    assert found.price == pytest.approx(D(7_600), abs=3)
    assert found.result == pytest.approx(D(-10_000), abs=80)
    assert found.equity == pytest.approx(D(50_000), abs=80)
    both = standings(turn_of(at), pair, LIMITS)
    assert both is not None
    assert both[1].price == found.price
    assert both[1].distance == pytest.approx(D(600) / 7_600, abs=D("0.001"))
    assert wanted(at)["cme"] == (Currency.USD, True)
    [due] = [each for each in deadlines(turn_of(at), timedelta(days=3)) if " opens, " in each.what]
    assert due.at == at.now - timedelta(hours=1, seconds=1) + timedelta(hours=40)
    assert due.unanswered.startswith("cme loses 9,99")


def test_what_is_told_again_after_a_restart_is_no_price_of_the_closure() -> None:
    at = desk(LONG)
    closed(at, hours=40)
    at.market.ratios.clear()
    prices(at, "7000", "10000")  # the broker tells Friday's last book once more
    found = opening(turn_of(at), PAIR)
    assert found is not None
    assert found.price == pytest.approx(D(7_000), abs=1)


def test_a_price_of_the_inverse_venue_from_before_an_outage_makes_no_basis() -> None:
    """8,000 and 10,000 are told together; CME goes on to 11,000 while the inverse venue is silent, and closes."""
    at = desk(LONG)
    at.now += timedelta(minutes=5)
    at.quote(BTC, "10995", "11000")
    closed(at, hours=40)
    at.quote(XBTUSD, "8799.9", "8800")
    found = opening(turn_of(at), PAIR)
    assert found is not None
    assert found.price == pytest.approx(D(11_000), abs=5)


def test_a_leg_in_two_months_is_one_and_money_is_asked_for_all_of_it() -> None:
    """Half-way through a roll: 15 XBT short in each of two months. The broker takes down all 30 at 11,666.67."""
    later = replace(BTC, id=InstrumentId("cme", "BTCH7"))
    at = desk(LONG)
    pair = replace(PAIR, next_linear=later.id)
    at.policy = replace(at.policy, automation=pair)
    at.load(later)
    at.quote(later, "9995", "10000")
    at.state.positions[BTC.id], at.state.positions[later.id] = -3, -3
    prices(at, "8400", "10600")
    assert wanted(at)["cme"] == (Currency.USD, True)
    both = standings(turn_of(at), pair, LIMITS)
    assert both is not None
    assert both[1].size == -30
    assert both[1].liquidation == pytest.approx(D("11666.67"), abs=8)
    prices(at, "9000", "11200")
    at.wait(6)
    prices(at, "9000", "11200")
    [said] = [alert.text for alert in at.told(Alerted) if alert.code == "MARGIN_LAST"]
    assert "a leg is in two months" in said
    assert not at.state.active_plans()
