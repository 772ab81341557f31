"""Each pre-trade rule on both sides of its limit; the figures by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from risk.approval import Denied, Purpose
from risk.checks import (
    clock_skew,
    contract_month,
    delta_after,
    duplicate,
    funding_near,
    link,
    margin_after,
    margin_known,
    notional,
    open_orders,
    opening_late,
    price_band,
    quotes,
    rate_budget,
    reserve,
    session,
    settlement_near,
    size,
    twin,
)
from risk.checks.all import RULES, Nature, hold
from risk.checks.case import Case, Live, Margin, Order, Sight, Stage
from risk.orders import Side
from risk.portfolio import Funding, Level, Quote, Skew
from risk.sessions import Span, TradingHours
from tests.unit.bot.desk import MBT, POLICY, XBTUSD, D

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL
ANSWERS = (Purpose.HEDGE, Purpose.CONTINGENCY)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def quote(
    bid: str | None = "80700", ask: str | None = "80705", age: float = 1, mark: str | None = None
) -> Quote:
    bids, asks = (() if price is None else (Level(D(price), 10),) for price in (bid, ask))
    return Quote(MBT.id, bids, asks, NOW - seconds(age), None if mark is None else D(mark))


LINEAR = Sight(MBT.id, TradingHours.always(), linked=True, quote=quote())
INVERSE = Sight(
    XBTUSD.id,
    TradingHours.always(),
    linked=True,
    quote=Quote(XBTUSD.id, (Level(D("79999.9"), 100),), (Level(D(80_000), 100),), NOW),
)
ORDER = Order(Purpose.WORK, MBT, SELL, 5, D(80_700), client_order_id="p-1w-1")
CASE = Case(
    now=NOW,
    stage=Stage.SENT,
    order=ORDER,
    limits=POLICY,
    sight=LINEAR,
    partner=INVERSE,
    contracts=(MBT, XBTUSD),
)


def code(denied: Denied | None) -> str | None:
    return None if denied is None else denied.code


def working(purpose: Purpose = Purpose.WORK, **changes: object) -> Case:
    """The case with another order."""
    return replace(CASE, order=replace(ORDER, purpose=purpose, **changes))  # type: ignore[arg-type]


def seen(**changes: object) -> Case:
    return replace(CASE, sight=replace(LINEAR, **changes))  # type: ignore[arg-type]


def across(**changes: object) -> Case:
    return replace(CASE, partner=replace(INVERSE, **changes))  # type: ignore[arg-type]


def test_a_sound_order_meets_no_objection() -> None:
    assert hold(CASE) is None


# --- the market


def test_the_link_of_either_venue() -> None:
    assert code(link.check(CASE)) is None
    assert code(link.check(seen(linked=False))) == "LINK_DOWN"
    assert code(link.check(across(linked=False))) == "LINK_DOWN"
    # A hedge needs its own venue only: the other may be why it is needed.
    for purpose in ANSWERS:
        assert link.check(replace(working(purpose), partner=across(linked=False).partner)) is None
        assert code(link.check(replace(working(purpose), sight=seen(linked=False).sight))) == "LINK_DOWN"


def hours(opens: float, closes: float) -> TradingHours:
    """Open from so many seconds after now until so many; known for a day either way."""
    known = Span(NOW - timedelta(days=1), NOW + timedelta(days=1))
    return TradingHours.of([Span(NOW + seconds(opens), NOW + seconds(closes))], known)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (hours(-100, 60), None),  # 60 s are left, as asked for
        (hours(-100, 59.9), "SESSION_ENDING"),
        (hours(-100, 0), "SESSION_CLOSED"),
        (hours(1, 100), "SESSION_CLOSED"),
        (TradingHours.unknown("?"), "SESSION_UNKNOWN"),
        (None, "SESSION_UNKNOWN"),
    ],
)
def test_the_session_of_either_market(told: TradingHours | None, found: str | None) -> None:
    assert code(session.check(seen(hours=told))) == found
    assert code(session.check(across(hours=told))) == found


@pytest.mark.parametrize("purpose", ANSWERS)
def test_what_answers_a_fill_waits_only_for_a_market_known_to_be_closed(purpose: Purpose) -> None:
    for told, found in ((hours(-9, 1), None), (None, None), (hours(1, 9), "SESSION_CLOSED")):
        case = replace(working(purpose), sight=replace(LINEAR, hours=told))
        assert code(session.check(case)) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (quote(age=5), None),
        (quote(age=5.001), "QUOTE_OLD"),
        (quote(age=-0.001), "QUOTE_OLD"),  # from the future
        (quote(bid=None), "QUOTE_ONE_SIDED"),
        (quote(ask=None), "QUOTE_ONE_SIDED"),
        (quote(bid="80705"), "QUOTE_CROSSED"),
        (None, "QUOTE_MISSING"),
    ],
)
def test_the_quote_of_either_market(given: Quote | None, found: str | None) -> None:
    assert code(quotes.check(seen(quote=given))) == found
    assert code(quotes.check(across(quote=given))) == found


def test_a_book_left_behind_is_no_quote() -> None:
    assert code(quotes.check(seen(left_behind=True))) == "QUOTE_FROZEN"


def test_no_contract_is_traded_after_its_last_trade() -> None:
    ending = replace(MBT, terms=replace(MBT.terms, expiry=NOW))
    after = replace(MBT, terms=replace(MBT.terms, expiry=NOW + seconds(0.001)))
    assert code(contract_month.check(replace(CASE, contracts=(ending, XBTUSD)))) == "CONTRACT_EXPIRED"
    assert code(contract_month.check(replace(CASE, contracts=(XBTUSD, ending)))) == "CONTRACT_EXPIRED"
    assert contract_month.check(replace(CASE, contracts=(after, XBTUSD))) is None


@pytest.mark.parametrize(
    ("least", "most", "found"),
    [
        (2, 3, None),  # 2 s at least: the limit is 2 s
        (2.001, 3, "CLOCK_SKEW"),
        (-3, -2, None),
        (-3, -2.001, "CLOCK_SKEW"),
        (-9, 9, None),  # an answer that took 18 s proves nothing
    ],
)
def test_clocks_count_as_apart_only_by_what_is_certain(least: float, most: float, found: str | None) -> None:
    skew = Skew(seconds(least), seconds(most))
    assert code(clock_skew.check(seen(skew=skew))) == found
    assert code(clock_skew.check(across(skew=skew))) == found


@pytest.mark.parametrize(
    ("side", "rate", "ahead", "found"),
    [
        # CME is sold, so the inverse leg buys: longs pay a positive rate.
        (SELL, "0.0001", 59, "FUNDING_NEAR"),
        (SELL, "0.0001", 60, None),
        (SELL, "0.0001", 0, "FUNDING_NEAR"),
        (SELL, "0.0001", -1, None),
        (SELL, "-0.0001", 30, None),
        (SELL, "0", 30, None),
        (BUY, "0.0001", 30, None),
        (BUY, "-0.0001", 30, "FUNDING_NEAR"),
    ],
)
def test_nothing_is_opened_just_before_it_has_to_pay(
    side: Side, rate: str, ahead: float, found: str | None
) -> None:
    case = replace(across(funding=Funding(NOW + seconds(ahead), D(rate))), order=replace(ORDER, side=side))
    assert code(funding_near.check(case)) == found
    assert funding_near.check(replace(case, order=replace(case.order, reduce_only=True))) is None


def test_an_inverse_order_pays_for_its_own_side() -> None:
    sight = replace(INVERSE, funding=Funding(NOW + seconds(5), D("0.0001")))
    order = replace(ORDER, instrument=XBTUSD, side=BUY, contracts=100)
    case = replace(CASE, sight=sight, partner=None, order=order)
    assert code(funding_near.check(case)) == "FUNDING_NEAR"
    assert funding_near.check(replace(case, order=replace(order, side=SELL))) is None


# --- the order


def test_size_unattended() -> None:
    assert size.check(working(contracts=5)) is None  # 5 × 0.1 XBT: the limit is 0.5
    assert code(size.check(working(contracts=6))) == "ORDER_SIZE"
    # 40,000 USD at 80,000 are 0.5 XBT; a lot more is not.
    inverse = replace(ORDER, instrument=XBTUSD, side=BUY, contracts=40_000, price=D(80_000))
    case = replace(CASE, sight=INVERSE, order=inverse)
    assert size.check(case) is None
    assert code(size.check(replace(case, order=replace(inverse, contracts=40_100)))) == "ORDER_SIZE"


def test_size_of_a_plan() -> None:
    assert size.plan(D(5), D(5)) is None
    assert size.plan(None, D(5)) is None
    assert code(size.plan(D("5.0001"), D(5))) == "PLAN_SIZE"


def test_notional_in_dollars() -> None:
    # 62 × 0.1 XBT × 80,000 = 496,000 USD; 63 are 504,000. The limit is 500,000.
    assert notional.check(working(contracts=62, price=D(80_000))) is None
    assert code(notional.check(working(contracts=63, price=D(80_000)))) == "ORDER_NOTIONAL"
    inverse = replace(ORDER, instrument=XBTUSD, contracts=500_000, price=D(20_000))
    assert notional.check(replace(CASE, order=inverse)) is None
    over = replace(inverse, contracts=500_100)
    assert code(notional.check(replace(CASE, order=over))) == "ORDER_NOTIONAL"


def test_price_near_the_mid_and_near_the_mark() -> None:
    even = seen(quote=quote(bid="79995", ask="80005"))  # mid 80,000; 5 % are 4,000
    for price, found in ((84_000, None), (84_005, "PRICE_BAND"), (76_000, None), (75_995, "PRICE_BAND")):
        assert code(price_band.check(replace(even, order=replace(ORDER, price=D(price))))) == found
    # The book agrees with the price, the venue's own mark does not: 80,000 is over 5 % above 76,000.
    marked = seen(quote=quote(bid="79995", ask="80005", mark="76000"))
    assert code(price_band.check(replace(marked, order=replace(ORDER, price=D(80_000))))) == "PRICE_BAND"


@pytest.mark.parametrize(
    ("delta", "side", "target", "found"),
    [
        # 5 contracts are 0.5 XBT; Δ may be 50 XBT off its target.
        ("-49.5", SELL, "0", None),
        ("-49.6", SELL, "0", "DELTA_AFTER"),
        ("-60", BUY, "0", None),  # far off, and nearer afterwards
        ("49.6", BUY, "0", "DELTA_AFTER"),
        ("49.6", BUY, "10", None),
    ],
)
def test_delta_after(delta: str, side: Side, target: str, found: str | None) -> None:
    case = replace(CASE, delta=D(delta), target=D(target), order=replace(ORDER, side=side))
    assert code(delta_after.check(case)) == found


def test_what_is_held_can_be_closed_wherever_delta_is() -> None:
    closing = replace(CASE, delta=D(-60), order=replace(ORDER, reduce_only=True))
    assert delta_after.check(closing) is None
    assert delta_after.check(replace(closing, partner=None)) is None


def test_delta_after_counts_one_clip_where_a_partner_answers_each() -> None:
    case = replace(CASE, delta=D("-49.5"), order=replace(ORDER, contracts=50))
    assert code(delta_after.check(case)) == "DELTA_AFTER"
    assert delta_after.check(replace(case, clip=5)) is None


@pytest.mark.parametrize(
    ("margin", "inverse", "linear"),
    [
        (None, None, None),
        (Margin(D("0.6"), "1 XBT"), None, None),
        (Margin(D("0.6001"), "1 XBT"), "MARGIN_AFTER", None),
        (Margin(D("0.9001"), "1 XBT"), "MARGIN_AFTER", "MARGIN_AFTER"),
        (Margin(None, "1 XBT"), None, None),
        (Margin(None, "0 XBT", spent=True), "MARGIN_EQUITY", "MARGIN_EQUITY"),
    ],
)
def test_margin_after(margin: Margin | None, inverse: str | None, linear: str | None) -> None:
    """60 per cent at the inverse venue, 90 at the broker."""
    case = replace(CASE, margin=margin)
    assert code(margin_after.check(case)) == linear
    coin = replace(ORDER, instrument=XBTUSD)
    assert code(margin_after.check(replace(case, order=coin))) == inverse
    assert margin_after.check(replace(case, order=replace(coin, reduce_only=True))) is None


def test_margin_nobody_knows() -> None:
    strict = replace(CASE, limits=replace(POLICY, refuse_unknown_margin=True), margin=Margin(None, "1 USD"))
    assert code(margin_known.check(strict)) == "MARGIN_UNKNOWN"
    assert code(margin_known.check(replace(strict, margin=None))) == "MARGIN_UNKNOWN"
    assert margin_known.check(replace(strict, limits=POLICY)) is None
    assert margin_known.check(replace(strict, margin=Margin(D("0.1"), "1 USD"))) is None


def live(number: int, **changes: object) -> Live:
    one = Live(f"p-1w-{number}", MBT.id, SELL, 3, D(80_700))
    return replace(one, **changes)  # type: ignore[arg-type]


def test_orders_out_at_once() -> None:
    assert open_orders.check(replace(CASE, live=tuple(map(live, range(9))))) is None
    assert code(open_orders.check(replace(CASE, live=tuple(map(live, range(10)))))) == "ORDERS_OPEN"


def test_the_rate_limits_reserve() -> None:
    assert rate_budget.check(replace(CASE, rate_left=D("0.2"))) is None
    assert code(rate_budget.check(replace(CASE, rate_left=D("0.19")))) == "RATE_BUDGET"
    assert rate_budget.check(replace(CASE, rate_left=None)) is None


def test_no_id_is_used_twice_by_whatever_order() -> None:
    for purpose in (Purpose.WORK, *ANSWERS):
        assert code(duplicate.check(replace(working(purpose), used=True))) == "ORDER_DUPLICATE"
        assert duplicate.check(working(purpose)) is None


def test_no_working_order_is_the_image_of_one_still_out() -> None:
    same = live(7, contracts=5)
    assert code(twin.check(replace(CASE, live=(same,)))) == "ORDER_TWIN"
    dearer, inverse = replace(same, price=D(80_705)), replace(same, instrument=XBTUSD.id)
    for other in (live(7), replace(same, side=BUY), dearer, inverse):
        assert twin.check(replace(CASE, live=(other,))) is None
    # Two fills alike are two hedges alike.
    assert hold(replace(working(Purpose.HEDGE), live=(same,))) is None


# --- the table


def test_hedges_and_unwinds_are_kept_from_nothing_that_only_limits_new_risk() -> None:
    """By name, written down a second time: what may keep an answer to a fill from going out."""
    for purpose in ANSWERS:
        kept = {rule.name for rule in RULES if purpose in rule.purposes and Stage.SENT in rule.stages}
        assert kept == {"link", "session", "duplicate"}
    assert not any(Purpose.FLATTEN in rule.purposes for rule in RULES)
    assert all(Purpose.WORK in rule.purposes for rule in RULES)


def test_every_rule_of_the_folder_is_in_the_table_once() -> None:
    modules = [rule.check.__module__ for rule in RULES]
    assert len(set(modules)) == len(modules)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_what_passes_by_itself_is_waited_for_and_the_rest_refused() -> None:
    waits = {rule.name for rule in RULES if rule.nature is Nature.WAIT}
    assert waits >= {"link", "session", "quotes", "clock skew", "funding near", "rate budget", "open orders"}
    assert not waits & {"size", "notional", "price band", "delta after", "margin after", "contract month"}


def test_the_first_no_is_the_verdict() -> None:
    verdict = hold(replace(seen(linked=False, quote=None), used=True))
    assert verdict is not None
    assert (verdict.denied.code, verdict.passes) == ("LINK_DOWN", True)
    refused = hold(replace(CASE, used=True))
    assert refused is not None
    assert (refused.denied.code, refused.passes) == ("ORDER_DUPLICATE", False)


# --- shortly before an end, and the cushion


def ending(*, hours_left: float, **changes: object) -> Case:
    """The case with a linear contract that trades for so long yet, and a margin of a day before its end."""
    terms = replace(MBT.terms, expiry=NOW + timedelta(hours=hours_left))
    limits = replace(POLICY, settlement_margin=timedelta(hours=24))
    return replace(working(**changes), contracts=(replace(MBT, terms=terms), XBTUSD), limits=limits)  # type: ignore[arg-type]


def test_nothing_is_opened_shortly_before_a_last_trade() -> None:
    assert settlement_near.check(ending(hours_left=24.1)) is None
    denied = settlement_near.check(ending(hours_left=24))
    assert denied == Denied(
        "SETTLEMENT_NEAR",
        "opened 24 h before the last trade at the latest",
        "cme:MBT has its last trade at 2026-11-24 09:00Z",
    )
    assert settlement_near.check(ending(hours_left=1, reduce_only=True)) is None
    # 5 MBT sold by themselves, against 0.5 XBT that are naked: they hedge; against 0.2 they turn it round.
    alone = replace(ending(hours_left=1), partner=None)
    assert settlement_near.check(replace(alone, delta=D("0.5"))) is None
    assert code(settlement_near.check(replace(alone, delta=D("0.2")))) == "SETTLEMENT_NEAR"


def test_nothing_is_opened_that_may_not_be_finished_before_the_close() -> None:
    limits = replace(POLICY, opening_margin=timedelta(minutes=15))
    for sight in (seen(hours=hours(-3600, 900)), across(hours=hours(-3600, 900))):
        assert opening_late.check(replace(sight, limits=limits)) is None
    late = replace(seen(hours=hours(-3600, 899)), limits=limits)
    assert opening_late.check(late) == Denied(
        "OPENING_LATE",
        "15 min before the close",
        "cme:MBT closes at 2026-11-23 09:14Z (opens: not announced)",
    )
    assert code(opening_late.check(replace(across(hours=hours(-3600, 899)), limits=limits))) == "OPENING_LATE"
    assert opening_late.check(replace(late, order=replace(ORDER, reduce_only=True))) is None
    assert opening_late.check(replace(late, limits=POLICY)) is None


@pytest.mark.parametrize(
    ("share", "usd", "after", "found"),
    [
        ("0.2", "0", "0.8", None),
        ("0.2", "0", "0.81", "CAPITAL_RESERVE"),
        # 100,000 USD of equity: 30,000 of them are the larger reserve.
        ("0.2", "30000", "0.7", None),
        ("0.2", "30000", "0.7001", "CAPITAL_RESERVE"),
        ("0", "0", "0.99", None),
    ],
)
def test_a_cushion_is_kept(share: str, usd: str, after: str, found: str | None) -> None:
    limits = replace(POLICY, reserve=D(share), reserve_usd=D(usd), reserve_xbt=D(10**6))
    margin = Margin(D(after), "100,000 USD", worth=D(100_000))
    case = replace(CASE, limits=limits, margin=margin)
    assert code(reserve.check(case)) == found
    assert reserve.check(replace(case, order=replace(ORDER, reduce_only=True))) is None
    assert reserve.check(replace(case, margin=Margin(None, "?", worth=D(1)))) is None


def test_the_cushion_is_said_in_the_accounts_own_currency() -> None:
    limits = replace(POLICY, reserve_xbt=D("0.3"), reserve_usd=D(10**9))
    order = replace(ORDER, instrument=XBTUSD, side=BUY, contracts=24_000, price=D(80_000))
    case = replace(CASE, order=order, limits=limits, margin=Margin(D("0.75"), "1 XBT", worth=D(1)))
    assert reserve.check(case) == Denied(
        "CAPITAL_RESERVE", "0.3000 XBT kept free", "0.2500 XBT would be left at bitmex"
    )
