"""The emergency command in the states it is called in: a closed market, a hedge to hold, stops, orders refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.bitmex.settings import BitmexSettings
from adapters.errors import OutcomeUnknown, Refused, Throttled, Unreachable
from adapters.simulator.exchange.catalog import xbt_future
from adapters.simulator.exchange.events import Executed, OrderChanged
from adapters.simulator.exchange.orders import ExecKind, NewOrder, Side, Tif
from adapters.simulator.exchange.sessions import Session, Sessions
from adapters.simulator.exchange.views import BookLevel
from bot.flatten import Ending, Options
from bot.flatten.options import LANDING
from bot.orders import decide
from risk.orders import OrderRequest
from risk.portfolio import Account
from tests.unit.bot.desk import T0
from tests.unit.bot.flatten_bench import ACCOUNT, DEEP, PRICE, SHORT, Bench, Wayward, dollars
from tests.unit.bot.test_flatten import CLIP

HELD = replace(SHORT, hold_hedge=True)
CLOSES, OPENS = T0 + timedelta(seconds=5), T0 + timedelta(hours=1)
HOURS = Sessions.of([Session(T0 - timedelta(hours=1), CLOSES), Session(OPENS, OPENS + timedelta(hours=1))])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Bench]:
    """+80,000 and -10, and CME has closed."""
    with Bench(tmp_path, sessions=HOURS) as made:
        made.hold(80_000, -10)
        made.wait(6)
        yield made


# --- CME is closed -------------------------------------------------------------------------------------


def test_while_cme_is_closed_the_hedge_stays_and_no_order_waits_there(closed: Bench) -> None:
    outcome = closed.flat(closed.venues())
    assert outcome.ending is Ending.PENDING
    assert (outcome.closed, outcome.opens) == (True, OPENS)
    assert closed.held == (80_000, -10)
    assert closed.sent(0) == closed.sent(1) == []
    assert closed.live == []
    # 20 in the wallet but for the fee of 0.05 %, and the pair cancels itself
    assert outcome.remaining_xbt == Decimal("19.9995")
    assert any("closed until" in text and "--strip-hedge" in text for text in closed.said)


def test_at_the_open_it_goes_on(closed: Bench) -> None:
    assert closed.flat(closed.venues()).ending is Ending.PENDING
    closed.wait(3_600)
    closed.market(1)
    assert closed.flat(closed.venues()).flat
    assert closed.held == (0, 0)


def test_a_quote_from_before_the_close_is_not_traded_on(closed: Bench) -> None:
    """At the open it waits for the first quote of the new session."""
    closed.wait(3_590)
    opened = {"before": False}

    def quote() -> None:
        opened["before"] = closed.sent(1) == []
        closed.market(1)

    closed.later(8, quote)
    outcome = closed.flat(closed.venues())
    assert outcome.ending is Ending.PENDING  # it does not wait by itself: whoever runs it does
    closed.exchanges[1].set_market(closed.symbol(1), dollars(PRICE), [], [])
    closed.wait(10)
    closed.later(5, quote)
    assert closed.flat(closed.venues()).flat
    assert opened["before"]


def test_what_hedges_nothing_is_closed_though_cme_is(tmp_path: Path) -> None:
    with Bench(tmp_path, sessions=HOURS) as bench:
        bench.hold(80_000, 10)
        bench.wait(6)
        assert bench.flat(bench.venues()).ending is Ending.PENDING
        assert bench.held == (0, 10)


def test_nothing_at_cme_is_flat_though_it_is_closed(tmp_path: Path) -> None:
    with Bench(tmp_path, sessions=HOURS) as bench:
        bench.hold(80_000, 0)
        bench.wait(6)
        assert bench.flat(bench.venues()).flat
        assert bench.held == (0, 0)


def test_stripped_the_inverse_leg_goes_although_cme_is_closed(closed: Bench) -> None:
    outcome = closed.flat(closed.venues(), 5, options=replace(SHORT, strip_hedge=True))
    assert outcome.ending is Ending.NOT_FLAT
    assert closed.held == (0, -10)
    assert closed.sent(1) == []


def test_stops_protect_until_flat_and_go_last(closed: Bench) -> None:
    closed.protect(60_000)
    closed.rest(0, 8_000, 70_000, "the-bots")
    outcome = closed.flat(closed.venues())
    assert outcome.ending is Ending.PENDING
    assert outcome.stops == ("bitmex:XBTUSD stop",)
    assert closed.live == ["stop"]
    closed.wait(3_600)
    closed.market(1)
    order: list[str] = []

    def watch(event: object) -> None:
        if isinstance(event, Executed):
            order.append("fill")
        elif isinstance(event, OrderChanged) and event.order.client_id == "stop":
            order.append("stop")

    for exchange in closed.exchanges:
        exchange.subscribe(watch)
    outcome = closed.flat(closed.venues())
    assert outcome.flat
    assert outcome.stops == ()
    assert closed.live == []
    assert order[-1] == "stop"
    assert "fill" not in order[order.index("stop") :]


@pytest.mark.parametrize("held", [(80_000, -10), (-80_000, 10)])
def test_a_stop_that_goes_off_while_it_reduces_takes_nothing_off_twice(
    bench: Bench, held: tuple[int, int]
) -> None:
    bench.hold(*held)
    sign = 1 if held[0] > 0 else -1
    bench.protect(PRICE * (1 - sign * 0.02))
    inverse, linear = bench.venues()
    sent: list[int] = []

    def gap(request: OrderRequest) -> None:
        """As its first reducing order is on its way, the price runs through the stop."""
        sent.append(request.quantity)
        if len(sent) == 1:
            price = PRICE * (1 - sign * 0.03)
            for index, wide in ((0, 0.1), (1, 5)):
                levels = ([BookLevel(dollars(at), DEEP)] for at in (price - wide, price + wide))
                bench.exchanges[index].set_market(bench.symbol(index), dollars(price), *levels)
                bench.exchanges[index].step()

    inverse.before = linear.before = gap
    assert bench.flat((inverse, linear)).flat
    assert bench.held == (0, 0)
    assert bench.live == []
    trades = [one for one in bench.exchanges[0].executions(ACCOUNT) if one.kind is ExecKind.TRADE]
    assert any(one.client_id == "stop" for one in trades)
    # In and out once, whoever took it off: the position is never turned round.
    assert sum(one.quantity for one in trades) == 2 * abs(held[0])


def test_a_switch_that_a_dying_bot_has_armed_does_not_take_the_stops(closed: Bench) -> None:
    closed.protect(60_000)
    bots = closed.venues()[0]

    async def arm() -> None:
        await bots.connect([closed.symbol(0)], lambda _: None)
        await bots.arm_dead_mans_switch(20_000)
        await bots.close()  # it dies, and refreshes no more

    closed.go(arm())
    assert closed.flat(closed.venues()).ending is Ending.PENDING
    closed.wait(60)
    closed.exchanges[0].step()
    assert closed.live == ["stop"]


# --- the hedge is held ---------------------------------------------------------------------------------


def test_the_short_that_the_wallet_needs_is_kept(bench: Bench) -> None:
    """20 XBT in the wallet, 0.003 go in fees for 3 XBT in and out: of 23 short at CME, 199 contracts stay."""
    bench.hold(240_000, -230)
    outcome = bench.flat(bench.venues(), options=HELD)
    assert outcome.flat
    assert bench.held == (0, -199)
    assert sum(bench.sent(1)) == 31
    assert outcome.remaining_xbt is not None
    assert outcome.remaining_xbt == Decimal("0.097")
    assert [leg.goal for leg in outcome.legs] == [0, -199]


def test_a_short_smaller_than_the_wallet_is_kept_whole_and_the_long_goes(bench: Bench) -> None:
    bench.hold(240_000, -30)
    outcome = bench.flat(bench.venues(), options=HELD)
    assert outcome.flat
    assert bench.held == (0, -30)
    assert outcome.remaining_xbt is not None
    assert abs(outcome.remaining_xbt - 17) < Decimal("0.01")


def test_an_inverse_short_is_kept_too(bench: Bench) -> None:
    bench.hold(-1_840_000, 30)
    outcome = bench.flat(bench.venues(), options=HELD)
    assert outcome.flat
    inverse, linear = bench.held
    assert linear == 0
    assert outcome.remaining_xbt is not None
    assert Decimal(0) <= outcome.remaining_xbt < Decimal("0.02")
    assert -1_600_000 <= inverse < -1_598_000


def test_while_the_wallet_is_not_known_no_hedge_is_taken_off(bench: Bench) -> None:
    class Mute(Wayward):
        async def account(self) -> Account:
            raise Unreachable(self.name, "ask for the account", "no answer")

    bench.hold(240_000, -230)
    venues = Mute(bench.exchanges[0], ACCOUNT, bench.clock), bench.venues()[1]
    assert not bench.flat(venues, 5, options=HELD).flat
    assert bench.held == (240_000, -230)


def test_run_twice_it_keeps_the_same(bench: Bench) -> None:
    bench.hold(240_000, -230)
    assert bench.flat(bench.venues(), options=HELD).flat
    assert bench.flat(bench.venues(), options=HELD).orders_sent == 0
    assert bench.held == (0, -199)


# --- orders refused ------------------------------------------------------------------------------------


def only(allowed: Callable[[OrderRequest], bool]) -> Callable[[OrderRequest], None]:
    def before(request: OrderRequest) -> None:
        if not allowed(request):
            raise Refused("bitmex", "submit", "not like that")

    return before


@pytest.mark.parametrize(
    "allowed",
    [
        lambda request: not request.reduce_only,
        lambda request: request.price >= PRICE - Decimal("0.1"),
        lambda request: request.quantity <= 8_000,
    ],
    ids=["reduce-only refused", "a band at the touch", "a tenth at most"],
)
def test_a_refused_order_is_put_another_way(bench: Bench, allowed: Callable[[OrderRequest], bool]) -> None:
    bench.hold(160_000, -20)
    venues = bench.venues()
    venues[0].before = only(allowed)
    outcome = bench.flat(venues)
    assert outcome.flat
    assert bench.held == (0, 0)
    assert max(bench.imbalances) <= CLIP
    assert outcome.seconds < 30


def test_when_every_way_is_refused_that_is_said_aloud_with_what_to_do(bench: Bench) -> None:
    bench.hold(160_000, -20)
    venues = bench.venues()
    venues[0].before = only(lambda _: False)
    outcome = bench.flat(venues, 20)
    assert not outcome.flat
    assert len([text for text in bench.said if "HAS REFUSED EVERY KIND OF ORDER" in text]) == 1
    advice = [leg.advice for leg in outcome.legs]
    assert "bitmex:XBTUSD: 160,000 contracts are left (its last words: not like that)" in advice[0]
    assert all("by hand" in text for text in advice)


def test_a_throttled_order_is_put_again_as_it_was(bench: Bench) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    tried: list[OrderRequest] = []

    def before(request: OrderRequest) -> None:
        tried.append(request)
        if len(tried) < 3:
            raise Throttled("bitmex", "submit", "Rate limit exceeded")

    venues[0].before = before
    assert bench.flat(venues).flat
    assert {(one.quantity, one.reduce_only) for one in tried} == {(80_000, True)}


def overloaded(venue: Wayward, times: int) -> list[str]:
    """Answer 503 so often; return the ids of all that were sent."""
    sent: list[str] = []

    def before(request: OrderRequest) -> None:
        sent.append(request.client_order_id)
        if len(sent) <= times:
            raise OutcomeUnknown("bitmex", "submit", "The system is currently overloaded", code="503")

    venue.before = before
    return sent


def test_where_ids_are_unique_an_overloaded_venue_is_sent_the_same_order_again(bench: Bench) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    sent = overloaded(venues[0], 3)
    outcome = bench.flat(venues)
    assert outcome.flat
    assert len(set(sent)) == 1
    assert len(sent) == 4
    assert outcome.seconds < 15


def test_and_fills_once_though_the_first_arrives_after_all(bench: Bench) -> None:
    """The repetition is refused as a duplicate, or the first is: one of them trades."""
    bench.hold(80_000, -10)
    venues = bench.venues()
    first: list[OrderRequest] = []

    def before(request: OrderRequest) -> None:
        if not first:
            first.append(request)
            bench.later(1.6, lambda: venues[0]._arrive(request))
            raise OutcomeUnknown("bitmex", "submit", "no word")

    venues[0].before = before
    assert bench.flat(venues).flat
    assert bench.held == (0, 0)
    assert bench.sent(0) == [-80_000]


def test_less_than_a_lot_is_said_and_the_rest_goes(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.hold(80_000, -10)
        venues = bench.venues()
        told = type(venues[0]).positions

        async def positions(self: Wayward) -> list[object]:
            return [replace(one, contracts=one.contracts + 50) for one in await told(self)]

        odd = type("Odd", (Wayward,), {"positions": positions})
        venues = (odd(bench.exchanges[0], ACCOUNT, bench.clock), venues[1])
        bench.flat(venues, 5)
        assert bench.held == (0, 0)


# --- what was on its way -------------------------------------------------------------------------------


def test_it_looks_on_for_as_long_as_an_order_may_take_to_land(bench: Bench) -> None:
    """Signed 8 seconds before by a bot that is dead now, it lands when both venues have long been flat."""
    bench.hold(80_000, -10)
    bench.later(9, lambda: bench.trade(1, -3))
    outcome = bench.flat(bench.venues(), options=Options())
    assert outcome.flat
    assert bench.held == (0, 0)
    assert sum(bench.sent(1)) == 13
    assert outcome.seconds > 9
    assert any("Watching" in text for text in bench.said)


def test_flat_is_told_with_its_own_time(bench: Bench) -> None:
    bench.hold(80_000, -10)
    outcome = bench.flat(bench.venues(), options=Options())
    assert outcome.flat_after is not None
    assert outcome.flat_after < 3
    assert LANDING <= outcome.seconds < LANDING + 5


def test_an_order_lands_within_the_time_it_is_looked_for() -> None:
    signed = BitmexSettings("http://a", "ws://a", "key", "secret", signature_life=8).signature_life
    assert timedelta(seconds=LANDING) >= decide._TRUST_ABSENCE_AFTER
    assert signed + 1 < LANDING  # it is stamped in whole seconds


# --- whose orders, and what is not known ---------------------------------------------------------------


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Bench]:
    """An order in another contract, and one without an id in ours."""
    with Bench(tmp_path, futures=[xbt_future(2026, 12)]) as bench:
        bench.hold(80_000, -10)
        other = NewOrder(bench.other, Side.BUY, 100, dollars(50_000), Tif.GTC, "mine")
        bench.exchanges[0].place(ACCOUNT, other)
        yield bench


def test_other_contracts_are_left_alone(crowded: Bench) -> None:
    outcome = crowded.flat(crowded.venues())
    assert outcome.flat
    assert outcome.foreign_orders == (f"bitmex:{crowded.other} mine",)
    assert crowded.live == ["mine"]


def test_with_everything_every_order_of_the_account_goes(crowded: Bench) -> None:
    crowded.rest(0, 8_000, 70_000, "")
    crowded.rest(1, 1, 70_000, "theirs")
    venues = crowded.venues()
    venues[1].cannot_cancel = True
    outcome = crowded.flat(venues, options=replace(SHORT, everything=True))
    assert outcome.flat
    assert crowded.live == []
    assert outcome.foreign_orders == ()


def test_what_was_last_heard_of_a_venue_that_is_away_is_said_with_its_time(bench: Bench) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    bench.later(1, venues[1].drop_link)
    venues[0].before = only(lambda _: False)
    outcome = bench.flat(venues, 6)
    assert outcome.remaining_xbt is None
    away = outcome.legs[1]
    assert (away.contracts, away.xbt) == (None, None)
    assert away.last is not None
    assert away.last.xbt == Decimal(away.last.contracts) / 10
    assert T0 <= away.last.at <= T0 + timedelta(seconds=1.5)
    assert outcome.likely_xbt is not None
    assert abs(outcome.likely_xbt - (20 + 1 + away.last.xbt)) < Decimal("0.01")


# --- the plan ------------------------------------------------------------------------------------------


def test_the_plan_says_orders_pairs_prices_and_what_remains(crowded: Bench) -> None:
    crowded.rest(0, 8_000, 70_000, "k7f3q2ab-01w-003")
    crowded.protect(60_000)
    lines = crowded.plan(crowded.venues())
    assert lines == [
        "held now    bitmex:XBTUSD: +80,000 contracts (+1.0000 XBT)",
        "            cme:MBTZ6: -10 contracts (-1.0000 XBT)",
        "to cancel   bitmex:XBTUSD buy 8,000 at 70,000 (k7f3q2ab-01w-003, the bot's)",
        "            bitmex:XBTUSD sell 80,000 at 60,000 (stop, another program's), a protective stop: once flat",
        "to close    in pairs of at most 1 XBT, matched at 80,000:",
        "              buy 10 cme:MBTZ6 at 80,090 or better",
        "              sell 80,000 bitmex:XBTUSD at 79,919.9 or better",
        f"left alone  bitmex:{crowded.other} buy 100 at 50,000 (mine, another program's)",
        "then left   exposure: +19.9995 XBT, the wallet's counted",
    ]
    assert crowded.sent(0) == crowded.sent(1) == []
