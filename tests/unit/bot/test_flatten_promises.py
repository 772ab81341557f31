"""The emergency command: what it promises however it is used, and whatever the venues do meanwhile."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from adapters.errors import OutcomeUnknown, Refused
from bot.model.events import FlattenOrdered, OrderIntended
from bot.model.flatten_journal import read_journal
from bot.runtime.emergency import earlier_orders
from bot.runtime.files import Files
from risk.orders import OrderRequest
from tests.unit.bot.flatten_bench import Bench, Wayward
from tests.unit.bot.test_flatten import CLIP


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def test_already_flat_sends_nothing(bench: Bench) -> None:
    outcome = bench.flat(bench.venues())
    assert outcome.flat
    assert outcome.orders_sent == 0
    assert [type(entry) for entry in read_journal(bench.journal())][:1] == [FlattenOrdered]
    # a flat book with 20 XBT in the wallet is long 20 XBT
    assert outcome.remaining_xbt == outcome.wallet_xbt == 20


def test_run_twice_it_sends_nothing_the_second_time(bench: Bench) -> None:
    bench.hold(80_000, -10)
    assert bench.flat(bench.venues()).flat
    first = bench.sent(0), bench.sent(1)
    assert bench.flat(bench.venues()).orders_sent == 0
    assert (bench.sent(0), bench.sent(1)) == first


def test_each_order_is_in_the_journal_before_its_venue_sees_it(bench: Bench) -> None:
    bench.hold(160_000, -20)
    venues = bench.venues()
    seen: list[str] = []

    def look(request: OrderRequest) -> None:
        written = [e for e in read_journal(bench.journal()) if isinstance(e, OrderIntended)]
        assert request in [entry.request for entry in written]
        seen.append(request.client_order_id)

    for venue in venues:
        venue.before = look
    assert bench.flat(venues).flat
    assert len(set(seen)) == len(seen) == 4


def test_a_venue_that_never_answers_is_not_flat_whatever_the_other_says(bench: Bench) -> None:
    venues = bench.venues()
    outcome = bench.flat(venues, 5, meanwhile=venues[0].drop_link)
    assert not outcome.flat
    assert [key.venue for key in outcome.positions] == ["cme"]
    assert len(outcome.unanswered) == 1
    assert outcome.remaining_xbt is None


def annoy(venue: Wayward, rng: Random) -> None:
    """Refuse, lose or time out a share of the orders; a lost one may have been carried out all the same."""

    def before(request: OrderRequest) -> None:
        roll = rng.random()
        if roll < 0.15:
            raise Refused(venue.name, "submit", "overloaded")
        if roll < 0.25:
            if rng.random() < 0.5:
                venue._arrive(request)
            raise OutcomeUnknown(venue.name, "submit", "timeout")

    venue.before = before


@pytest.mark.parametrize("seed", range(25))
def test_whatever_the_venues_do_it_ends_flat_and_never_far_apart(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    with Bench(tmp_path) as bench:
        lots = rng.randint(1, 60)
        sign = rng.choice((1, -1))
        bench.hold(sign * lots * 8_000, -sign * lots)
        venues = bench.venues()
        for venue in venues:
            annoy(venue, rng)
        outcome = bench.flat(venues, 1_800)
        assert outcome.flat
        assert bench.held == (0, 0)
        assert bench.live == []
        # never further apart than one clip and the inverse leg's rounding, though the fate of orders was unknown
        assert max(bench.imbalances) <= CLIP


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_any_moment_and_run_again_it_ends_as_flat(tmp_path: Path, seed: int) -> None:
    """Its orders are at work when it dies, and some of them land, or are lost, after that."""
    rng = Random(seed)
    with Bench(tmp_path) as bench:
        files = Files(tmp_path)
        files.latch.touch()
        lots = rng.randint(15, 60)
        bench.hold(lots * 8_000, -lots)
        for _ in range(rng.randint(1, 4)):
            venues = bench.venues()
            for venue in venues:
                annoy(venue, rng)
                venue.delay = rng.choice((0, 0, 0, 2, 6))
            bench.flatten(
                venues,
                killed_after=rng.choice((0.05, 0.2, 0.7, 2, 5)),
                earlier=earlier_orders(files, bench.said.append),
            )
        outcome = bench.flat(bench.venues(), 600, earlier=earlier_orders(files, bench.said.append))
        assert outcome.flat
        bench.wait(20)
        assert bench.held == (0, 0)
        assert bench.live == []
        # of an earlier run's order only the limit is known, not the price it was matched at: a lot a run
        assert max(bench.imbalances) <= CLIP + 5 * Decimal("0.00125")
