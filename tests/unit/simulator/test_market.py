"""The generated market: repeatable, sane, and as the scenario says."""

import math
import random
import statistics
from datetime import timedelta

from adapters.simulator.exchange.catalog import btc, mbt, xbtusd
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.process import GeometricWalk, MeanReverting
from adapters.simulator.market.update import MarketUpdate
from adapters.simulator.scenario import MarketScenario, Scenario
from adapters.simulator.world import build
from tests.unit.simulator.support import START, XBT, ManualClock

SPECS = [xbtusd(), mbt(2026, 12), btc(2026, 12)]
STEP = timedelta(milliseconds=200)


def path(seed: int, steps: int, scenario: MarketScenario | None = None) -> list[MarketUpdate]:
    market = GeneratedMarket(scenario or MarketScenario(), SPECS, seed, START)
    return [update for step in range(steps) for update in market.step(START + step * STEP)]


def test_a_seed_repeats_and_another_differs() -> None:
    assert path(7, 50) == path(7, 50)
    assert path(7, 50) != path(8, 50)


def test_books_are_never_crossed_and_always_on_tick_and_lot() -> None:
    specs = {spec.symbol: spec for spec in SPECS}
    for update in path(3, 300):
        spec = specs[update.symbol]
        assert len(update.bids) == len(update.asks) == 10
        bids, asks = [level.price for level in update.bids], [level.price for level in update.asks]
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert bids[0] < asks[0]
        for level in (*update.bids, *update.asks):
            assert level.price % spec.tick == 0
            assert level.quantity > 0
            assert level.quantity % spec.lot == 0


def test_the_basis_is_positive_and_the_perpetual_near_the_index() -> None:
    updates = path(5, 500)
    for symbol, low, high in (("MBTZ6", 0.005, 0.013), ("XBTUSD", -0.0005, 0.0005)):
        gaps = [
            (one.bids[0].price + one.asks[0].price) / 2 / one.index - 1
            for one in updates
            if one.symbol == symbol
        ]
        assert low < min(gaps)
        assert max(gaps) < high


def test_depth_is_what_the_scenario_says() -> None:
    updates = path(2, 100, MarketScenario(mbt_depth=8, xbt_depth=10_000, levels=3))
    micro = [level.quantity for one in updates if one.symbol == "MBTZ6" for level in one.bids]
    assert (min(micro), max(micro)) == (4, 12)
    perpetual = [level.quantity for one in updates if one.symbol == "XBTUSD" for level in one.asks]
    assert len(perpetual) == 300
    assert (min(perpetual), max(perpetual)) == (5_000, 15_000)


def test_the_index_wanders_as_much_as_its_volatility_says() -> None:
    source = random.Random(1)
    walk = GeometricWalk(10**12, 600_000)
    returns = []
    for _ in range(4_000):
        before = walk.price
        walk.move(3_600.0, source)
        returns.append(math.log(walk.price / before))
    assert math.isclose(statistics.stdev(returns) * math.sqrt(24 * 365), 0.6, rel_tol=0.05)


def test_a_deviation_reverts_and_keeps_its_size() -> None:
    source = random.Random(1)
    process = MeanReverting(mean=9_000_000, deviation=1_000_000, reversion=3_600, level=9_000_000)
    seen = []
    for _ in range(4_000):
        process.move(7_200.0, source)
        seen.append(process.level)
    assert math.isclose(statistics.mean(seen), 9_000_000, rel_tol=0.01)
    assert math.isclose(statistics.stdev(seen), 1_000_000, rel_tol=0.05)
    still = MeanReverting(mean=0, deviation=0, reversion=60, level=1_000_000)
    still.move(60.0, source)
    assert still.level == round(1_000_000 / math.e)


def test_no_time_no_move() -> None:
    market = GeneratedMarket(MarketScenario(), SPECS, 1, START)
    first, again = market.step(START), market.step(START - STEP)
    assert {one.index for one in (*first, *again)} == {8_000_000}


def test_a_world_starts_with_books_and_money_and_moves_with_its_clock() -> None:
    clock = ManualClock()
    world = build(Scenario(), clock)
    assert [spec.symbol for spec in world.linear.specs()] == ["MBTZ6", "BTCZ6"]
    assert world.inverse.account("1234567").wallet == XBT
    assert world.linear.account("DU0000001").wallet == 2_000_000 * 10**8
    first = world.linear.ticker("MBTZ6")
    assert first.bid is not None
    clock.advance(timedelta(minutes=5))
    world.step()
    second = world.linear.ticker("MBTZ6")
    assert second.index != first.index
    assert second.bid is not None
