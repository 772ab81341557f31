"""Gaps, outages, thin books and an overloaded venue; and the generated market against the recorded one."""

import math
import statistics
from datetime import timedelta
from itertools import pairwise

from adapters.simulator.exchange.catalog import mbt, xbtusd
from adapters.simulator.market.calibration import HISTORICAL, MEASURED
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.scenario import MarketScenario, Scenario
from adapters.simulator.world import build
from tests.unit.simulator.support import START, ManualClock, inverse_bench, levels

SPECS = [xbtusd(), mbt(2026, 12)]
SECOND = timedelta(seconds=1)
CALM = MarketScenario(volatility=0, basis_deviation=0, premium_deviation=0)


def test_a_gap_moves_every_price_at_once_and_only_once() -> None:
    market = GeneratedMarket(
        MarketScenario(volatility=0, basis_deviation=0, premium_deviation=0, gaps=((60 * SECOND, -200_000),)),
        SPECS,
        1,
        START,
    )
    before = market.step(START + 59 * SECOND)
    after = market.step(START + 60 * SECOND)
    again = market.step(START + 61 * SECOND)
    assert [one.index for one in (*before, *after, *again)] == [8_000_000] * 2 + [6_400_000] * 4
    assert math.isclose(after[1].bids[0].price, before[1].bids[0].price * 0.8, rel_tol=1e-3)


def test_a_world_can_be_made_to_gap() -> None:
    clock = ManualClock()
    world = build(Scenario(market=CALM), clock)
    world.gap(100_000)
    assert world.inverse.ticker("XBTUSD").index == world.linear.ticker("MBTZ6").index == 8_800_000


def test_in_an_outage_nobody_quotes_and_the_index_goes_on() -> None:
    market = GeneratedMarket(MarketScenario(outages=((10 * SECOND, 20 * SECOND),)), SPECS, 1, START)
    quoted = {
        second: [bool(one.bids and one.asks) for one in market.step(START + second * SECOND)]
        for second in (0, 9, 10, 29, 30)
    }
    assert quoted == {0: [True] * 2, 9: [True] * 2, 10: [False] * 2, 29: [False] * 2, 30: [True] * 2}


def test_books_thin_out_while_the_price_runs_and_fill_up_again() -> None:
    market = GeneratedMarket(CALM, SPECS, 1, START)

    def depth(second: int) -> int:
        update = market.step(START + second * SECOND)[0]
        return sum(level.quantity for level in (*update.bids, *update.asks))

    calm = statistics.mean(depth(second) for second in range(20))
    market.gap(-20_000)  # ten times what books stand
    running = statistics.mean(depth(second) for second in range(20, 80))
    assert 0.07 < running / calm < 0.14
    assert math.isclose(statistics.mean(depth(second) for second in range(82, 120)), calm, rel_tol=0.1)


def test_the_venue_is_overloaded_in_proportion_to_the_run() -> None:
    bench = inverse_bench()
    bench.market(levels((20_000, 100)), [])
    assert not any(bench.exchange.overloaded() for _ in range(1_000))
    bench.clock.advance(SECOND)
    bench.market(levels((19_800, 100)), [])
    # 1.01 % high over low, 0.2 % of it calm: 15 × 0.81 % = 12.2 %
    turned_away = sum(bench.exchange.overloaded() for _ in range(4_000))
    assert 400 < turned_away < 580
    bench.clock.advance(61 * SECOND)
    assert not any(bench.exchange.overloaded() for _ in range(1_000))
    bench.exchange.set_overload(1_000_000)
    assert all(bench.exchange.overloaded() for _ in range(100))
    bench.exchange.set_overload(None)
    assert not bench.exchange.overloaded()


def hourly(seed: int, hours: int) -> tuple[list[int], list[float], list[float]]:
    """Return the index, CME's middle and the basis at every hour."""
    market = GeneratedMarket(HISTORICAL, [mbt(2026, 12)], seed, START)
    indices, cme, basis = [], [], []
    for hour in range(hours):
        (update,) = market.step(START + hour * timedelta(hours=1))
        middle = (update.bids[0].price + update.asks[0].price) / 2
        indices.append(update.index)
        cme.append(middle)
        basis.append(middle / update.index - 1)
    return indices, cme, basis


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def autocorrelation(values: list[float], lag: int) -> float:
    mean = statistics.mean(values)
    pairs = zip(values[:-lag], values[lag:], strict=True)
    return statistics.mean((a - mean) * (b - mean) for a, b in pairs) / statistics.pvariance(values)


def test_the_historical_market_moves_as_the_recorded_one_did() -> None:
    """Three years of hours, several seeds pooled; a price of 80,000 keeps ticks of 5 USD out of the statistics."""
    returns, bases, weekends = [], [], []
    for seed in range(4):
        indices, cme, basis = hourly(seed, 8_760)
        returns += [abs(math.log(after / before)) for before, after in pairwise(indices)]
        bases.append(basis)
        weekends += [abs(cme[start + 50] / cme[start] - 1) for start in range(0, 8_700, 168)]
    deviation = math.sqrt(statistics.mean(one**2 for one in returns))
    assert math.isclose(deviation, MEASURED.hourly_deviation, rel_tol=0.2)
    assert math.isclose(quantile(returns, 0.5), MEASURED.hourly_median, rel_tol=0.4)
    assert math.isclose(quantile(returns, 0.99), MEASURED.hourly_99, rel_tol=0.3)
    assert statistics.mean(one**4 for one in returns) / deviation**4 > 10
    pooled = [one for basis in bases for one in basis]
    assert math.isclose(statistics.mean(pooled), MEASURED.basis_mean, abs_tol=0.004)
    assert math.isclose(statistics.pstdev(pooled), MEASURED.basis_deviation, rel_tol=0.3)
    assert math.isclose(quantile(pooled, 0.01), MEASURED.basis_1, abs_tol=0.008)
    assert math.isclose(quantile(pooled, 0.99), MEASURED.basis_99, abs_tol=0.008)
    changes = [after - before for basis in bases for before, after in pairwise(basis)]
    assert math.isclose(statistics.pstdev(changes), MEASURED.basis_hourly_change, rel_tol=0.25)
    assert math.isclose(
        statistics.mean(autocorrelation(basis, 24) for basis in bases), MEASURED.basis_lag_24, abs_tol=0.12
    )
    assert math.isclose(quantile(weekends, 0.5), MEASURED.weekend_median, rel_tol=0.8)
    assert math.isclose(quantile(weekends, 0.9), MEASURED.weekend_90, rel_tol=0.7)


def test_a_second_of_it_shows_a_spread_of_one_tick() -> None:
    market = GeneratedMarket(HISTORICAL, SPECS, 1, START)
    for second in range(100):
        for update in market.step(START + second * SECOND):
            assert update.asks[0].price - update.bids[0].price == (10 if update.symbol == "XBTUSD" else 500)
