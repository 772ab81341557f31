"""The emergency command: one order at a time, legs that stay matched, nothing left behind."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.errors import Refused
from bot.flatten import Options
from bot.model.events import FlattenFinished, FlattenOrdered, OrderIntended
from bot.model.flatten_journal import read_journal
from bot.runtime.emergency import earlier_orders
from bot.runtime.files import Files
from risk.orders import OrderRequest
from tests.unit.bot.flatten_bench import ACCOUNT, BTC, DEEP, Bench

CLIP = Decimal("1.001")
"""One clip in XBT, and the inverse leg's rounding."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


@pytest.fixture
def coarse(tmp_path: Path) -> Iterator[Bench]:
    """With the linear contract of 5 XBT."""
    with Bench(tmp_path, BTC) as made:
        yield made


def refuse(venue: str) -> None:
    raise Refused(venue, "submit", "overloaded")


def test_both_legs_go_in_clips_and_both_venues_end_flat(bench: Bench) -> None:
    bench.hold(240_000, -30)
    outcome = bench.flat(bench.venues())
    assert outcome.flat
    assert bench.held == (0, 0)
    assert bench.sent(1) == [10, 10, 10]
    assert sum(bench.sent(0)) == -240_000
    assert max(bench.imbalances) <= CLIP
    assert set(outcome.positions.values()) == {0}
    assert outcome.unmatched_xbt == 0
    assert outcome.live_orders == outcome.unanswered == ()
    assert outcome.orders_sent == len(bench.sent(0)) + len(bench.sent(1))


def test_the_other_direction(bench: Bench) -> None:
    bench.hold(-160_000, 20)
    assert bench.flat(bench.venues()).flat
    assert bench.held == (0, 0)
    assert max(bench.imbalances) <= CLIP


def test_the_journal_tells_how_it_ended(bench: Bench) -> None:
    bench.hold(80_000, -10)
    bench.flat(bench.venues())
    first, *orders, last = read_journal(bench.journal())
    assert first == FlattenOrdered("run1", "anna", ("bitmex", "cme"))
    assert [type(entry) for entry in orders] == [OrderIntended, OrderIntended]
    assert last == FlattenFinished("run1", True)


def test_the_journal_tells_that_it_is_not_flat(bench: Bench) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].before = lambda _: refuse("cme")
    bench.flat(venues, 3)
    assert read_journal(bench.journal())[-1] == FlattenFinished("run1", False)


# --- one order at a time, where the venue does not refuse what goes too far ------------------------------


@pytest.mark.parametrize("seconds", [4.0, 8.0, 11.5, 14.0])
def test_an_order_that_arrives_late_is_not_sent_twice(bench: Bench, seconds: float) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].delay = seconds
    assert bench.flat(venues).flat
    assert bench.sent(1) == [10]
    assert bench.held == (0, 0)


def test_nor_one_the_venue_is_mute_about(bench: Bench) -> None:
    """It fills after 11.5 s, and the venue tells only then: what was wanted before the wait is wanted no more."""
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].delay, venues[1].mute_about_orders = 11.5, True

    def speak() -> None:
        venues[1].mute_about_orders = False

    bench.later(11.6, speak)
    assert bench.flat(venues).flat
    assert bench.sent(1) == [10]
    assert bench.held == (0, 0)


def test_an_order_that_never_arrives_is_sent_again_after_a_while(bench: Bench) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].delay = 1_000

    def mend(_: OrderRequest) -> None:
        if bench.clock.elapsed > 1:
            venues[1].delay = 0
            assert bench.clock.elapsed >= 15

    venues[1].before = mend
    assert bench.flat(venues).flat
    assert bench.sent(1) == [10]


def test_positions_that_lag_behind_fills_are_not_closed_twice(bench: Bench) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].remember()
    for exchange in bench.exchanges:
        exchange.subscribe(lambda _: venues[1].remember())
    venues[1].lag = 1.5
    assert bench.flat(venues).flat
    assert bench.sent(1) == [10]
    assert bench.held == (0, 0)


def test_an_order_of_the_bots_that_cannot_be_cancelled_is_left_its_room(bench: Bench) -> None:
    """The broker lets only its own client id cancel it: 4 of the 10 may be bought back by it at any moment."""
    bench.hold(80_000, -10)
    bench.rest(1, 4, 79_000, "the-bots")
    venues = bench.venues()
    venues[1].cannot_cancel = True
    bench.later(6, lambda: bench.exchanges[1].set_market(bench.symbol(1), 7_890_000, [], []))

    def trade_through() -> None:
        order = next(o for o in bench.exchanges[1].orders(ACCOUNT, live_only=True))
        bench.exchanges[1].amend(ACCOUNT, order.order_id, quantity=4, price=8_000_500)

    bench.later(6.1, lambda: bench.market(1))
    bench.later(6.2, trade_through)
    assert bench.flat(venues).flat
    assert bench.sent(1) == [6]
    assert max(bench.linear_seen) == 0


def test_an_order_that_fills_between_two_questions_is_not_overlooked(bench: Bench) -> None:
    """Of 10, 4 are bought back by a resting order after the first answer: 6 are left, whichever was asked first."""
    bench.hold(80_000, -10)
    bench.rest(1, 4, 79_000, "the-bots")
    venues = bench.venues()

    def take() -> None:
        order = next(o for o in bench.exchanges[1].orders(ACCOUNT, live_only=True))
        bench.exchanges[1].amend(ACCOUNT, order.order_id, quantity=4, price=8_000_500)

    def arm() -> None:
        venues[1].between = take

    assert bench.flat(venues, meanwhile=arm).flat
    assert sum(bench.sent(1)) == 6
    assert max(bench.linear_seen) == 0


# --- the legs stay matched -------------------------------------------------------------------------------


def test_no_second_clip_while_the_inverse_venue_refuses(bench: Bench) -> None:
    bench.hold(800_000, -100)
    venues = bench.venues()
    venues[0].before = lambda _: refuse("bitmex")
    outcome = bench.flat(venues)
    assert bench.held == (800_000, -90)
    assert bench.naked <= CLIP
    assert not outcome.flat
    assert outcome.unmatched_xbt == 1
    assert len([text for text in bench.said if "does not follow: +1.0000 XBT" in text]) == 1
    assert len([text for text in bench.said if "overloaded" in text]) == 1


def test_a_refusing_venue_is_not_asked_without_end(bench: Bench) -> None:
    bench.hold(800_000, -100)
    venues = bench.venues()
    venues[0].before = lambda _: refuse("bitmex")
    assert bench.flat(venues, 120).orders_sent < 45


def test_it_goes_on_where_it_was_once_the_venue_takes_orders_again(bench: Bench) -> None:
    bench.hold(800_000, -100)
    venues = bench.venues()
    venues[0].before = lambda _: refuse("bitmex") if bench.clock.elapsed < 20 else None
    assert bench.flat(venues).flat
    assert bench.held == (0, 0)
    assert max(bench.imbalances) <= CLIP


def test_no_second_clip_while_the_inverse_venue_is_mute(bench: Bench) -> None:
    bench.hold(800_000, -100)
    venues = bench.venues()
    venues[0].delay, venues[0].mute_about_orders = 1_000, True
    assert not bench.flat(venues).flat
    assert bench.held == (800_000, -90)


def test_no_clip_while_the_inverse_book_is_empty(bench: Bench) -> None:
    bench.hold(80_000, -10)

    def empty() -> None:
        bench.exchanges[0].set_market(bench.symbol(0), 8_000_000, [], [])

    assert not bench.flat(bench.venues(), 5, meanwhile=empty).flat
    assert bench.held == (80_000, -10)
    assert bench.sent(1) == []


def test_orders_that_fill_by_halves_are_followed_up_before_the_next_clip(bench: Bench) -> None:
    bench.hold(400_000, -50)
    venues = bench.venues()

    def thin_out(request: OrderRequest) -> None:
        bench.market(0, max(100, request.quantity // 200 * 100))
        bench.later(0.1, lambda: bench.market(0))

    venues[0].before = thin_out
    assert bench.flat(venues).flat
    assert bench.held == (0, 0)
    assert len(bench.sent(0)) > 10
    assert max(bench.imbalances) <= CLIP


def test_runs_that_do_not_get_flat_do_not_add_up(bench: Bench, tmp_path: Path) -> None:
    """Each run by itself would take another clip off the linear leg alone."""
    bench.hold(800_000, -100)
    files = Files(tmp_path)
    files.latch.touch()
    for _ in range(3):
        venues = bench.venues()
        venues[0].before = lambda _: refuse("bitmex")
        assert not bench.flat(venues, 5, earlier=earlier_orders(files, bench.said.append)).flat
        assert bench.held == (800_000, -90)
    assert bench.flat(bench.venues(), earlier=earlier_orders(files, bench.said.append)).flat
    assert bench.held == (0, 0)
    assert max(bench.imbalances) <= CLIP


def test_an_order_of_a_run_that_was_killed_is_awaited(bench: Bench, tmp_path: Path) -> None:
    bench.hold(80_000, -10)
    files = Files(tmp_path)
    files.latch.touch()
    venues = bench.venues()
    venues[1].delay = 9
    assert bench.flatten(venues, killed_after=5.5) is None
    assert bench.said[-1].startswith("LIVE: cme:MBTZ6 flat-run1-001")
    earlier = earlier_orders(files, bench.said.append)
    assert [request.client_order_id for request, _ in earlier] == ["flat-run1-001"]
    assert bench.flat(bench.venues(), earlier=earlier).flat
    assert bench.sent(1) == [10]
    assert bench.held == (0, 0)


def test_earlier_runs_count_until_one_got_flat_or_the_latch_is_off(bench: Bench, tmp_path: Path) -> None:
    files = Files(tmp_path)
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].before = lambda _: refuse("cme")
    bench.flat(venues, 2)
    assert earlier_orders(files, bench.said.append) == ()
    files.latch.touch()
    assert len(earlier_orders(files, bench.said.append)) > 1
    assert bench.flat(bench.venues()).flat
    assert earlier_orders(files, bench.said.append) == ()
    (tmp_path / "flatten-broken.jsonl").write_text("not json\n")
    assert earlier_orders(files, bench.said.append) == ()
    assert "what that run left behind is not known" in bench.said[-1]


# --- legs that cannot be paired --------------------------------------------------------------------------


def test_a_hedge_too_small_for_a_pair_stays_while_the_linear_venue_refuses(coarse: Bench) -> None:
    """+3 XBT against one contract of -5: without the 3 the account would be short 5 instead of 2."""
    coarse.hold(240_000, -1)
    venues = coarse.venues()
    venues[1].before = lambda _: refuse("cme")
    assert not coarse.flat(venues, 20).flat
    assert coarse.held == (240_000, -1)


def test_it_stays_when_half_the_linear_leg_is_closed_and_its_venue_falls_silent(coarse: Bench) -> None:
    coarse.hold(240_000, -2)
    venues = coarse.venues()
    coarse.later(0.1, venues[1].drop_link)
    assert not coarse.flat(venues, 5, meanwhile=lambda: coarse.market(1, 1)).flat
    assert coarse.held == (240_000, -1)


def test_it_goes_after_the_linear_leg(coarse: Bench) -> None:
    coarse.hold(240_000, -1)
    assert coarse.flat(coarse.venues()).flat
    assert coarse.held == (0, 0)
    assert coarse.linear_seen[0] == 0
    assert max(coarse.imbalances) <= 3


def test_contracts_larger_than_a_clip_go_one_by_one(coarse: Bench) -> None:
    coarse.hold(1_200_000, -3)
    assert coarse.flat(coarse.venues()).flat
    assert coarse.sent(1) == [1, 1, 1]
    assert max(coarse.imbalances) <= 5


def test_positions_of_the_same_sign_hedge_nothing_and_go_at_once(bench: Bench) -> None:
    bench.hold(80_000, 10)
    venues = bench.venues()
    venues[1].before = lambda _: refuse("cme")
    assert not bench.flat(venues, 5).flat
    assert bench.held == (0, 10)


def test_a_leg_beside_a_silent_venue_stays_unless_it_is_to_be_stripped(bench: Bench) -> None:
    bench.hold(80_000, -10)
    for strip, left in ((False, 80_000), (True, 0)):
        venues = bench.venues()
        silence = venues[1].drop_link
        outcome = bench.flat(venues, 5, options=Options(strip_hedge=strip, watch=0), meanwhile=silence)
        assert not outcome.flat
        assert "not connected" in outcome.unanswered[0]
        assert bench.held == (left, -10)


# --- nothing left behind ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [2, 10])
def test_an_order_held_until_the_open_is_cancelled(bench: Bench, seconds: float) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].holds_orders = True
    outcome = bench.flat(venues, seconds)
    assert not outcome.flat
    assert bench.sent(1)
    assert bench.live == []
    assert outcome.live_orders == ()
    bench.exchanges[1].resume(bench.symbol(1))
    bench.exchanges[1].step()
    assert bench.held == (80_000, -10)


def test_resting_orders_are_cancelled(bench: Bench) -> None:
    bench.hold(80_000, -10)
    bench.rest(0, 100_000, 70_000, "the-bots")
    bench.rest(1, -3, 90_000, "the-bots-too")
    assert bench.flat(bench.venues()).flat
    assert bench.live == []


def test_an_order_that_cannot_be_cancelled_is_named(bench: Bench) -> None:
    bench.hold(80_000, -10)
    venues = bench.venues()
    venues[1].holds_orders = venues[1].cannot_cancel = True
    outcome = bench.flat(venues, 10)
    assert bench.live == ["flat-run1-001"]
    assert outcome.live_orders == ("cme:MBTZ6 flat-run1-001",)
    assert (
        "LIVE: cme:MBTZ6 flat-run1-001 may still fill, with nobody watching: cancel it by hand" in bench.said
    )


def test_flat_is_what_stays_flat(bench: Bench) -> None:
    """An order of the bot's that had passed the latch before it fell lands 1.2 s later."""
    bench.hold(0, 0)
    bench.later(1.2, lambda: bench.trade(1, -3))
    outcome = bench.flat(bench.venues())
    assert outcome.flat
    assert outcome.seconds > 2.5
    assert bench.held == (0, 0)
    assert bench.sent(1) == [3]


def test_an_order_still_at_work_is_not_flat(bench: Bench) -> None:
    bench.hold(0, 0)
    bench.rest(1, -3, 90_000, "the-bots")
    venues = bench.venues()
    venues[1].cannot_cancel = True
    outcome = bench.flat(venues, 5)
    assert not outcome.flat
    assert outcome.live_orders == ("cme:MBTZ6 the-bots",)


# --- a disk that takes nothing ---------------------------------------------------------------------------


def test_a_full_disk_does_not_stop_it(bench: Bench) -> None:
    bench.hold(160_000, -20)
    assert bench.flat(bench.venues(), journal=Path("/dev/full")).flat
    assert bench.held == (0, 0)
    lost = [text for text in bench.said if text.startswith("THE JOURNAL IS NOT WRITTEN")]
    assert all("No space left on device" in text for text in lost)
    kinds = [json.loads(text[text.index("{") :])["kind"] for text in lost]
    assert kinds == ["FlattenOrdered", *["OrderIntended"] * 4, "FlattenFinished"]


def test_what_the_disk_did_not_take_is_written_when_it_does(bench: Bench, tmp_path: Path) -> None:
    """The folder cannot be made while a file has its name."""
    bench.hold(160_000, -20)
    folder = tmp_path / "data"
    folder.touch()
    bench.later(0.2, folder.unlink)
    assert bench.flat(bench.venues(), journal=folder / "flatten-run1.jsonl").flat
    assert len([text for text in bench.said if text.startswith("THE JOURNAL IS NOT WRITTEN")]) == 3
    first, *orders, last = read_journal(folder / "flatten-run1.jsonl")
    assert first == FlattenOrdered("run1", "anna", ("bitmex", "cme"))
    assert [entry.request.client_order_id[-3:] for entry in orders if isinstance(entry, OrderIntended)] == [
        "001",
        "002",
        "003",
        "004",
    ]
    assert last == FlattenFinished("run1", True)


def test_an_empty_book_is_waited_for(bench: Bench) -> None:
    bench.hold(80_000, -10)
    bench.exchanges[1].set_market(bench.symbol(1), 8_000_000, [], [])
    bench.later(4, lambda: bench.market(1, DEEP))
    assert bench.flat(bench.venues()).flat
    assert "cme:MBTZ6: no quote to trade against; waiting" in bench.said
